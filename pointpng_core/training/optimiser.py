"""AdamW, and its state as plain tensors by the names of the parameters."""

import torch
from torch import Tensor, nn

MOMENTS = ('exp_avg', 'exp_avg_sq')


def make_optimiser(task: nn.Module, *, lr: float, weight_decay: float) -> torch.optim.AdamW:
    """Return AdamW that decays matrices only: one kernel for all of them where there is a GPU."""
    parameters = [p for p in task.parameters() if p.requires_grad]
    groups = [{'params': [p for p in parameters if p.dim() >= 2], 'weight_decay': weight_decay},
              {'params': [p for p in parameters if p.dim() < 2], 'weight_decay': 0.0}]
    return torch.optim.AdamW([group for group in groups if group['params']], lr=lr,
                             betas=(0.9, 0.98), fused=all(p.is_cuda for p in parameters) or None)


def optimiser_tensors(optimiser: torch.optim.AdamW, task: nn.Module) -> dict[str, Tensor]:
    """Return the state by 'moment.parameter' and 'step.parameter'."""
    tensors = {}
    for name, parameter in task.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f'{key}.{name}'] = value
    return tensors


def load_optimiser(optimiser: torch.optim.AdamW, task: nn.Module, tensors: dict[str, Tensor]
                   ) -> None:
    """Restore what `optimiser_tensors` returned."""
    for name, parameter in task.named_parameters():
        if f'step.{name}' in tensors:
            state = {key: tensors[f'{key}.{name}'].to(parameter) for key in MOMENTS}
            step = tensors[f'step.{name}']
            optimiser.state[parameter] = {
                'step': step.to(parameter.device) if optimiser.defaults['fused'] else step,
                **state}


def set_rate(optimiser: torch.optim.AdamW, lr: float) -> None:
    """Set the learning rate of all parameters."""
    for group in optimiser.param_groups:
        group['lr'] = lr


class WeightAverage:
    """Exponential moving average of the floating-point state of a module."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._decay = decay
        self.tensors = {name: value.detach().clone() for name, value
                        in module.state_dict().items()}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from another average."""
        for name, value in self.tensors.items():
            value.copy_(tensors[name])

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move towards the module's present state; counters are copied."""
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.tensors[name].lerp_(value, 1.0 - self._decay)
            else:
                self.tensors[name].copy_(value)

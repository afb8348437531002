"""AdamW, its state as tensors by parameter name, and the moving average of the weights."""

import torch
from torch import Tensor, nn

MOMENTS = ('exp_avg', 'exp_avg_sq')


def make_optimiser(task: nn.Module, *, lr: float, weight_decay: float) -> torch.optim.AdamW:
    """Return AdamW with weight decay on matrices only, fused on a GPU."""
    parameters = [p for p in task.parameters() if p.requires_grad]
    groups = [{'params': [p for p in parameters if p.dim() >= 2], 'weight_decay': weight_decay},
              {'params': [p for p in parameters if p.dim() < 2], 'weight_decay': 0.0}]
    return torch.optim.AdamW([group for group in groups if group['params']], lr=lr,
                             betas=(0.9, 0.98), fused=all(p.is_cuda for p in parameters) or None)


def optimiser_tensors(optimiser: torch.optim.AdamW, task: nn.Module) -> dict[str, Tensor]:
    """Return the state of all parameters under 'moment.parameter' and 'step.parameter'."""
    tensors = {}
    for name, parameter in task.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f'{key}.{name}'] = value
    return tensors


def load_optimiser(optimiser: torch.optim.AdamW, task: nn.Module, tensors: dict[str, Tensor]
                   ) -> None:
    """Restore the state that `optimiser_tensors` returned."""
    for name, parameter in task.named_parameters():
        if f'step.{name}' in tensors:
            state = {key: tensors[f'{key}.{name}'].to(parameter) for key in MOMENTS}
            step = tensors[f'step.{name}']
            optimiser.state[parameter] = {
                'step': step.to(parameter.device) if optimiser.defaults['fused'] else step,
                **state}


def set_learning_rate(optimiser: torch.optim.AdamW, lr: float) -> None:
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
        """Continue from another average."""
        for name, value in self.tensors.items():
            value.copy_(tensors[name])

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Average in the module's present state; integer counters are copied."""
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.tensors[name].lerp_(value, 1.0 - self._decay)
            else:
                self.tensors[name].copy_(value)

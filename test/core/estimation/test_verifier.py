"""Verification: true poses against others, suppression of duplicates, and accepted refinements."""

from helpers.objects import joined
from helpers.registration import error, hypothesis, observed_drill, perturbed
import numpy as np
import torch

from pointpng_core.estimation.config import VerificationConfig
from pointpng_core.estimation.observations import Request
from pointpng_core.estimation.strategies import FullSurface
from pointpng_core.geometry.depth_noise import KINECT_NOISE
from pointpng_core.reference.batch import ReferenceStack


def verifier(reference, names, prepared):
    references = [reference(name) for name in names]
    request = Request(observations=prepared, references=references,
                      stack=ReferenceStack.of(references), depth_noise=KINECT_NOISE)
    return FullSurface().verifier(request, VerificationConfig())


def test_the_true_pose_is_judged_better_than_others(reference):
    _, prepared, R, t = observed_drill(reference)
    rows = [hypothesis(R, t)]
    rows += [hypothesis(*perturbed(R, t, degrees, 0.0, 1)) for degrees in (10.0, 60.0, 180.0)]
    rows += [hypothesis(R, t + np.array([0.03, 0, 0])), hypothesis(R, t, reference=1)]
    judged = verifier(reference, ('drill', 'mug'), prepared).judge(joined(rows))
    assert judged.score.argmax() == 0
    assert judged.score[0] > 0.5
    assert judged.score[1:].max() < 0.8 * judged.score[0]
    assert judged.residual_m[0] < 0.002
    assert judged.residual_m[0] < judged.residual_m[1:].min()
    assert ((judged.score >= 0) & (judged.score <= 1)).all()


def test_of_equal_poses_only_the_best_keeps_its_score(reference):
    _, prepared, R, t = observed_drill(reference)
    rows = [hypothesis(*perturbed(R, t, 3.0, 0.0, 0)), hypothesis(R, t), hypothesis(R, t),
            hypothesis(*perturbed(R, t, 90.0, 0.0, 0)), hypothesis(R, t + np.array([0.2, 0, 0])),
            hypothesis(R, t, reference=1)]
    checker = verifier(reference, ('drill', 'mug'), prepared)
    hypotheses = joined(rows)
    judged = checker.judged(hypotheses)
    before = judged.evidence
    after = judged.suppress_duplicates(checker.request.stack.diameter).evidence
    assert after.suppressed.tolist() == [True, False, True, False, False, False]
    assert after.score[1] == before.score[1]
    assert after.score[[0, 2]].tolist() == [-1, -1]
    assert torch.equal(after.score[3:], before.score[3:])


def test_a_refinement_that_makes_it_worse_is_rejected(reference):
    _, prepared, R, t = observed_drill(reference)
    checker = verifier(reference, ('drill',), prepared)
    rough, wrong = perturbed(R, t, 4.0, 0.003, 0), perturbed(R, t, 90.0, 0.05, 0)
    hypotheses = joined([hypothesis(*rough), hypothesis(R, t)])
    before = checker.judged(hypotheses)
    refined = checker.judged(joined([hypothesis(R, t), hypothesis(*wrong)]))
    after = before.accept_refined(refined, torch.tensor([0, 1]))
    rotated, _ = error(after.hypotheses, R, t)
    assert rotated.max() < 0.1
    assert after.evidence.score[0] > before.evidence.score[0]
    assert after.evidence.score[1] == before.evidence.score[1]

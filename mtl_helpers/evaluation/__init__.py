"""Step 5, evaluation: metrics by task, repeated runs with intervals, transfer, and λ by search."""

from mtl_helpers.data.table.splitting import text_folds
from mtl_helpers.evaluation.calibration import calibration, expected_calibration_error, fit_temperature
from mtl_helpers.evaluation.metrics import accuracy_by_phenomenon, confusion, evaluate
from mtl_helpers.evaluation.pareto import Verdict, dominated_by, hypervolume, judge, pareto_front
from mtl_helpers.evaluation.running.paired_runs import PairedRuns
from mtl_helpers.evaluation.running.results import write_result
from mtl_helpers.evaluation.running.search import cross_validate, grid_search, optuna_search, weight_grid
from mtl_helpers.evaluation.running.step_timer import StepTimer
from mtl_helpers.evaluation.running.sweep import sweep
from mtl_helpers.evaluation.running.transfer import (
    Arm,
    ArmRun,
    conditioned_on,
    controlled_splits,
    run_arm,
    run_arms,
    usual_arms,
)
from mtl_helpers.evaluation.statistics.delta import delta_mtl, delta_table
from mtl_helpers.evaluation.statistics.p_values import equivalence_p, holm, p_value
from mtl_helpers.evaluation.statistics.power import runs_needed, smallest_effect
from mtl_helpers.evaluation.statistics.repeats import Interval, confidence_interval, paired_changes, paired_scores

__all__ = [
    "Arm",
    "ArmRun",
    "Interval",
    "PairedRuns",
    "StepTimer",
    "Verdict",
    "accuracy_by_phenomenon",
    "calibration",
    "conditioned_on",
    "confidence_interval",
    "confusion",
    "controlled_splits",
    "cross_validate",
    "delta_mtl",
    "delta_table",
    "dominated_by",
    "equivalence_p",
    "evaluate",
    "expected_calibration_error",
    "fit_temperature",
    "grid_search",
    "holm",
    "hypervolume",
    "judge",
    "optuna_search",
    "p_value",
    "paired_changes",
    "paired_scores",
    "pareto_front",
    "run_arm",
    "run_arms",
    "runs_needed",
    "smallest_effect",
    "sweep",
    "text_folds",
    "usual_arms",
    "weight_grid",
    "write_result",
]

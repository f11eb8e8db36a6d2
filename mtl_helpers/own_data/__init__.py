"""A table of your own through the whole course: look, compare, say what was shown, hand in a report."""

from mtl_helpers.own_data.comparing import Comparison, compare
from mtl_helpers.own_data.looking import OwnTable, example, look
from mtl_helpers.own_data.oddities import told_by
from mtl_helpers.own_data.one_split import OneSplit, one_split
from mtl_helpers.own_data.report_page import picture, report
from mtl_helpers.own_data.uploading import Upload
from mtl_helpers.own_data.verdicts import Verdict, check_example, verdict

__all__ = [
    "Comparison",
    "OneSplit",
    "OwnTable",
    "Upload",
    "Verdict",
    "check_example",
    "compare",
    "example",
    "look",
    "one_split",
    "picture",
    "report",
    "told_by",
    "verdict",
]

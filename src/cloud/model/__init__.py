"""The values every layer shares: frozen, standard library only, no behaviour but their own arithmetic."""

from cloud.model.account import FIRST_ACCOUNT, LIMITS, Account, Allowance
from cloud.model.code import Code, CodeFile, version_of
from cloud.model.environment import Environment
from cloud.model.file import File, wrong_with
from cloud.model.outcomes import COLUMNS, NAN, Column, Outcomes
from cloud.model.piece import INLINE_MAX_BYTES, BlobRef, Buffer, Chunk, Piece
from cloud.model.ranges import Ranges
from cloud.model.status import FINISHED_WORDS, Status
from cloud.model.submission import CORE_TYPES, LONGEST_LABEL, Spec, Stretch, Submission

__all__ = [
    "COLUMNS",
    "CORE_TYPES",
    "FINISHED_WORDS",
    "FIRST_ACCOUNT",
    "INLINE_MAX_BYTES",
    "LIMITS",
    "LONGEST_LABEL",
    "NAN",
    "Account",
    "Allowance",
    "BlobRef",
    "Buffer",
    "Chunk",
    "Code",
    "CodeFile",
    "Column",
    "Environment",
    "File",
    "Outcomes",
    "Piece",
    "Ranges",
    "Spec",
    "Status",
    "Stretch",
    "Submission",
    "version_of",
    "wrong_with",
]

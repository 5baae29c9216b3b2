"""Every error that ecground raises on purpose, each saying what, where and what to do.

EcgroundError
├── UsageError            the call itself is wrong (unknown option, impossible combination)
├── InputError            the file or bytes cannot be used
│   ├── NotFoundError     no such file, or it cannot be opened
│   ├── UnsafeInputError  a size, depth or path limit of `safe` was hit
│   ├── UnknownFormatError  no reader recognises the content
│   └── CorruptInputError a reader recognises the content, but it is damaged
├── RefusedError          the input is readable, but must not be interpreted
│   ├── NoSignalError     it holds no ECG samples (annotations only, empty leads)
│   └── NotAnEcgError     the samples do not look like an electrocardiogram
├── TeacherError          a language model's server gave no usable answer
├── MeasurementError      a step of the analysis failed; the partial result is kept
└── MissingExtraError     an optional dependency or the language model is not installed
"""

from __future__ import annotations

__all__ = [
    "CorruptInputError",
    "EcgroundError",
    "InputError",
    "MeasurementError",
    "MissingExtraError",
    "NoSignalError",
    "NotAnEcgError",
    "NotFoundError",
    "RefusedError",
    "TeacherError",
    "UnknownFormatError",
    "UnsafeInputError",
    "UsageError",
]


class EcgroundError(Exception):
    """What went wrong, where, and what to do about it.

    `code` is stable and machine-readable; `where` names the file, step or field, never patient data.
    """

    code = "error"
    exit_status = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        where = f" [{self.where}]" if self.where else ""
        hint = f" Hint: {self.hint}" if self.hint else ""
        return f"{self.what}{where}{hint}"

    def to_dict(self) -> dict[str, str]:
        """The JSON form `{code, what, where, hint}` of docs/json.md."""
        return {"code": self.code, "what": self.what, "where": self.where, "hint": self.hint}


class UsageError(EcgroundError):
    """The call itself is wrong."""

    code = "usage"
    exit_status = 2


class InputError(EcgroundError):
    """The file or bytes cannot be used."""

    code = "input"


class NotFoundError(InputError):
    """No such file, or it cannot be opened."""

    code = "not_found"


class UnsafeInputError(InputError):
    """A limit of `safe` was hit: size, depth, count, or a path that leaves its folder."""

    code = "unsafe"


class UnknownFormatError(InputError):
    """No reader recognises the content."""

    code = "unknown_format"


class CorruptInputError(InputError):
    """A reader recognises the content, but it is damaged or contradicts itself."""

    code = "corrupt"


class RefusedError(EcgroundError):
    """The input is readable, but must not be interpreted."""

    code = "refused"
    exit_status = 3


class NoSignalError(RefusedError):
    """The input holds no ECG samples."""

    code = "no_signal"


class NotAnEcgError(RefusedError):
    """The samples do not look like an electrocardiogram."""

    code = "not_an_ecg"


class TeacherError(EcgroundError):
    """A language model's server gave no usable answer."""

    code = "teacher"


class MeasurementError(EcgroundError):
    """A step of the analysis failed; the partial result is kept."""

    code = "measurement"


class MissingExtraError(EcgroundError):
    """An optional dependency or model is not installed."""

    code = "missing_extra"

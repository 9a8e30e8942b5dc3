"""Describes a number's source as text, for the page, the workbook and the checker's report."""

from reporting.publish.bulletins.document.figures import (
    ActivitySource,
    CoverageSource,
    ExpectedErrorSource,
    OutsideSource,
    ProgressSource,
    ReleaseShareSource,
    ReleaseSource,
    Source,
    TargetSource,
    ThresholdSource,
)
from reporting.publish.bulletins.document.texts import say


def described(source: Source, language: str) -> str:
    """Return one line: the kind of source, its id, and the summed part."""
    kind = say(f"source.{source.kind}")[language]
    return f"{kind}: {_detail(source, language)}"


def _detail(source: Source, language: str) -> str:
    match source:
        case ReleaseSource():
            filters = [f"{name}={'+'.join(codes)}" for name, codes in source.filters.items()]
            return ", ".join([" + ".join(str(each) for each in source.releases), *filters])
        case ExpectedErrorSource():
            return f"{source.release}, {source.margin}"
        case ThresholdSource():
            return str(source.release)
        case ActivitySource():
            parts = (source.indicator, source.area, f"{source.start}/{source.end}")
            return ", ".join(part for part in parts if part)
        case CoverageSource():
            return f"{source.of}, {source.start}/{source.end}"
        case TargetSource():
            return str(source.target)
        case OutsideSource():
            return ", ".join(filter(None, (str(source.series), str(source.day), source.area)))
        case ReleaseShareSource() | ProgressSource():
            above, below = source.numerator, source.denominator
            return f"{_detail(above, language)} / {_detail(below, language)}"

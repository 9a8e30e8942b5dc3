"""A protected release as a table, with one row per cell of the requested dimensions. It contains only sums of r."""

from collections.abc import Iterable, Mapping

from common.words.languages import LANGUAGES

from reporting.ground.language import Text, same, text
from reporting.ground.periods import Period
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.protected import Filters, ProtectedCube
from reporting.ground.tabular.tables import Cell, Column, Table

READING = text(
    "Casos reportados, no prevalencia. Cada conteo es un múltiplo del umbral de la publicación; "
    "lo que no aparece es cero o está en el resto: ninguna persona o pocas. El conteo verdadero está "
    "entre «Desde» y «Hasta» en unos nueve de cada diez casos.",
    "Reported cases, not prevalence. Each count is a multiple of the release's threshold; "
    "what does not appear is zero or in the rest: nobody, or few. The true count is between “From” "
    "and “To” in about nine of ten cases.",
)
_TAGS = {
    "area": "#adm1+code",
    "origin": "#adm1+origin+code",
    "transit": "#adm1+transit+code",
    "destination": "#adm1+dest+code",
    "sex": "#indicator+sex+code",
    "age_band": "#indicator+age+code",
    "category": "#service+code",
    "need": "#need+code",
    "aor": "#sector+code",
}
_BETWEEN = {
    "low": text("Desde", "From"),
    "high": text("Hasta", "To"),
}
_COUNTED = {"persons": "#affected+ind+num", "searches": "#meta+searches+num"}


def release_table(
    programme: Programme,
    cube: ProtectedCube,
    trace: str,
    by: Iterable[str] = (),
    filters: Filters | None = None,
) -> Table:
    """Return codes and labels of the dimensions ``by``, the protected count, and ``trace``: the ids of the releases
    that it sums. Without ``by``, use all dimensions, or only the first where too few people are shown by all.

    Raise OutsideProgrammeError for a dimension or code that the programme lacks.
    """
    names = tuple(by) or (cube.names if cube.allows(len(cube.names)) else cube.names[:1])
    rest = cube.rest(names, filters)
    period = Period.parse(cube.period)
    rows = [
        (
            cube.programme,
            cube.period,
            period.start,
            period.end,
            *_coordinates(programme, names, row.coordinates),
            row.count,
            row.low,
            row.high,
            cube.counts,
            cube.k,
            trace,
        )
        for row in (*cube.margin(names, filters), *([rest] if rest else []))
    ]
    return Table(
        key=f"{cube.programme}_{cube.period}",
        name=dict(programme.title),
        columns=_columns(programme, names),
        rows=rows,
        notes=(READING, dict(programme.note)),
    )


def _coordinates(
    programme: Programme, names: tuple[str, ...], at: Mapping[str, str]
) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for name in names:
        code = at[name]
        cells += [code, *(programme.code_label(name, code, lang) for lang in LANGUAGES)]
    return tuple(cells)


def _columns(programme: Programme, names: tuple[str, ...]) -> tuple[Column, ...]:
    columns = [
        Column("programme", text("Programa", "Programme"), "#meta+programme"),
        Column("period", text("Periodo", "Period"), "#meta+period+code"),
        Column("period_start", text("Inicio", "Start"), "#date+start", "date"),
        Column("period_end", text("Fin", "End"), "#date+end", "date"),
    ]
    for name in names:
        label = {lang: programme.dimension_label(name, lang) for lang in LANGUAGES}
        tag = _TAGS.get(name, f"#indicator+{name.replace('_', '')}+code")
        columns.append(Column(name, label, tag))
        columns += [
            Column(f"{name}_{lang}", _in(label, lang), f"{tag.removesuffix('+code')}+name+i_{lang}")
            for lang in LANGUAGES
        ]
    counted = "searches" if programme.population.id == "searches" else "persons"
    return (
        *columns,
        Column(counted, dict(programme.unit), _COUNTED[counted], "integer"),
        Column("low", _BETWEEN["low"], f"{_COUNTED[counted]}+low", "integer"),
        Column("high", _BETWEEN["high"], f"{_COUNTED[counted]}+high", "integer"),
        Column("counts", text("Qué se cuenta", "What is counted"), "#meta+unit"),
        Column("multiple_of", text("Múltiplo de", "Multiple of"), "#meta+threshold+num", "integer"),
        Column("releases", text("Publicaciones", "Releases"), "#meta+release+id"),
    )


def _in(label: Text, language: str) -> Text:
    return {lang: f"{word} ({language})" for lang, word in label.items()} or same(language)

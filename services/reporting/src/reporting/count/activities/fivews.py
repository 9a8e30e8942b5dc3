"""Activities in the columns that others read: HXL 5W, the Venezuelan 5W and the regional (R4V) 5W.

All three take rows that went through ``published`` (or the reporting organisation's own, exact);
an empty number with the flag ``yes`` was left out on purpose and does not mean zero.
"""

import csv
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files

from common.words.places import Places

from reporting.count.activities.activity import Activity
from reporting.count.activities.codes import activity_codes, label
from reporting.count.activities.indicators import ALLOWED, counts_towards
from reporting.ground.language import Text, same, text
from reporting.ground.tabular.tables import Cell, Column, Kind, Table

FLAG = "#meta+masked"
ATTRIBUTION = text(
    "Códigos de actividad: Plan de Respuesta Humanitaria 2024 de Venezuela, OCHA (CC BY). "
    "Un número vacío con la marca «yes» se omitió para proteger a las personas; no es cero.",
    "Activity codes: Venezuela Humanitarian Response Plan 2024, OCHA (CC BY). "
    "An empty number with the flag “yes” was left out to protect people; it is not zero.",
)
TITLE = text("Actividades 5W", "5W activities")


def _place_name(pcode: str | None, places: Places) -> str | None:
    place = places.get(pcode) if pcode else None
    return place.name if place else None


def _sector(activity: Activity) -> str:
    code = activity_codes().get(activity.activity_code)
    return code.sector if code else "protection"


def _name(activity: Activity, language: str) -> str:
    code = activity_codes().get(activity.activity_code)
    return code.label[language] if code else activity.activity_code


Maker = Callable[[Activity, Places, str], Cell]
_HXL: tuple[tuple[Column, Maker], ...] = (
    (Column("id", text("Id", "Id"), "#meta+id"), lambda a, p, g: str(a.id)),
    (
        Column("org_leader", text("Organización líder", "Lead organisation"), "#org+prog+name"),
        lambda a, p, g: a.org_leader,
    ),
    (
        Column("org_leader_type", text("Tipo de líder", "Type of lead"), "#org+prog+type"),
        lambda a, p, g: label("organisation_type", a.org_leader_type, g),
    ),
    (
        Column("org_implementer", text("Implementadora", "Implementing"), "#org+impl+name"),
        lambda a, p, g: a.org_implementer,
    ),
    (
        Column(
            "org_implementer_type",
            text("Tipo de implementadora", "Type of implementing"),
            "#org+impl+type",
        ),
        lambda a, p, g: label("organisation_type", a.org_implementer_type, g),
    ),
    (
        Column("sector", text("Sector", "Sector"), "#sector+cluster+name"),
        lambda a, p, g: label("sector", _sector(a), g),
    ),
    (
        Column("activity_code", text("Código", "Code"), "#activity+code"),
        lambda a, p, g: a.activity_code,
    ),
    (
        Column("activity_name", text("Actividad", "Activity"), "#activity+name"),
        lambda a, p, g: _name(a, g),
    ),
    (
        Column("type", text("Tipo", "Type"), "#activity+type"),
        lambda a, p, g: label("type", a.type, g),
    ),
    (
        Column("adm1_pcode", text("Estado (código)", "State (code)"), "#adm1+code"),
        lambda a, p, g: a.adm1_pcode,
    ),
    (
        Column("adm1_name", text("Estado", "State"), "#adm1+name"),
        lambda a, p, g: _place_name(a.adm1_pcode, p),
    ),
    (
        Column("adm2_pcode", text("Municipio (código)", "Municipality (code)"), "#adm2+code"),
        lambda a, p, g: a.adm2_pcode,
    ),
    (
        Column("adm2_name", text("Municipio", "Municipality"), "#adm2+name"),
        lambda a, p, g: _place_name(a.adm2_pcode, p),
    ),
    (
        Column("tlocation", text("Tipo de lugar", "Type of place"), "#loc+type"),
        lambda a, p, g: label("location_type", a.tlocation, g) if a.tlocation else None,
    ),
    (
        Column("status", text("Estado de la actividad", "Status"), "#status"),
        lambda a, p, g: a.status,
    ),
    (Column("start", text("Inicio", "Start"), "#date+start", "date"), lambda a, p, g: a.start),
    (Column("end", text("Fin", "End"), "#date+end", "date"), lambda a, p, g: a.end),
    (
        Column(
            "quantity", text("Sesiones o unidades", "Sessions or items"), "#output+num", "integer"
        ),
        lambda a, p, g: a.quantity,
    ),
    (
        Column("women", text("Mujeres", "Women"), "#reached+f+adults", "integer"),
        lambda a, p, g: a.women,
    ),
    (Column("men", text("Hombres", "Men"), "#reached+m+adults", "integer"), lambda a, p, g: a.men),
    (
        Column("girls", text("Niñas", "Girls"), "#reached+f+children", "integer"),
        lambda a, p, g: a.girls,
    ),
    (
        Column("boys", text("Niños", "Boys"), "#reached+m+children", "integer"),
        lambda a, p, g: a.boys,
    ),
    (
        Column(
            "other_adults",
            text("Otras personas adultas", "Other adults"),
            "#reached+o+adults",
            "integer",
        ),
        lambda a, p, g: a.other_adults,
    ),
    (
        Column(
            "other_children",
            text("Otros menores de 18", "Other children"),
            "#reached+o+children",
            "integer",
        ),
        lambda a, p, g: a.other_children,
    ),
    (
        Column("reached", text("Total alcanzado", "Total reached"), "#reached+ind", "integer"),
        lambda a, p, g: a.reached,
    ),
    (Column("masked", text("Omitido", "Left out"), FLAG), lambda a, p, g: _flag(a)),
)


def _flag(activity: Activity) -> str:
    return "yes" if activity.masked else "no"


def hxl_table(activities: Iterable[Activity], language: str, places: Places) -> Table:
    """HXL 1.1 with disaggregated people reached; names in ``language``, codes as they are."""
    return Table(
        "activities",
        TITLE,
        tuple(column for column, _ in _HXL),
        [tuple(make(a, places, language) for _, make in _HXL) for a in activities],
        (ATTRIBUTION,),
    )


@cache
def _listed(name: str) -> tuple[dict[str, str], ...]:
    table = files("reporting.count.activities").joinpath("data", f"{name}.csv")
    return tuple(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))


_VENEZUELAN: dict[str, Maker] = {
    "id": lambda a, p, g: str(a.id),
    "report_month": lambda a, p, g: a.report_month,
    "org_leader": lambda a, p, g: a.org_leader,
    "org_leader_type": lambda a, p, g: label("organisation_type", a.org_leader_type, g),
    "org_implementer": lambda a, p, g: a.org_implementer,
    "org_implementer_type": lambda a, p, g: label("organisation_type", a.org_implementer_type, g),
    "sector": lambda a, p, g: label("sector", _sector(a), g),
    "activity_code": lambda a, p, g: a.activity_code,
    "activity_name": lambda a, p, g: _name(a, g),
    "activity_detail": lambda a, p, g: a.activity_detail,
    "project_code": lambda a, p, g: a.project_code,
    "project_name": lambda a, p, g: a.project_name,
    "adm1_pcode": lambda a, p, g: a.adm1_pcode,
    "adm1_name": lambda a, p, g: _place_name(a.adm1_pcode, p),
    "adm2_pcode": lambda a, p, g: a.adm2_pcode,
    "adm2_name": lambda a, p, g: _place_name(a.adm2_pcode, p),
    "adm3_pcode": lambda a, p, g: a.adm3_pcode,
    "adm3_name": lambda a, p, g: _place_name(a.adm3_pcode, p),
    "tlocation": lambda a, p, g: label("location_type", a.tlocation, g) if a.tlocation else None,
    "location_name": lambda a, p, g: a.location_name,
    "reached": lambda a, p, g: a.reached,
}
_NUMBERS: dict[str, Kind] = {"reached": "integer", "report_month": "date"}


def venezuelan_table(activities: Iterable[Activity], places: Places) -> Table:
    """The columns of the published Venezuelan 5W, in their order, with Spanish values, and at the
    end the flag of what was left out. Columns that Ruta does not collect stay empty."""
    listed = [
        (Column(r["column"], same(r["column"]), r["hxl_tag"], _NUMBERS.get(r["column"], "text")))
        for r in _listed("ven_5w_columns")
    ]
    flag = Column("reached_masked", same("reached_masked"), FLAG)
    rows = [
        (*(_made(_VENEZUELAN.get(column.key), a, places, "es") for column in listed), _flag(a))
        for a in activities
    ]
    return Table("ven_5w", TITLE, (*listed, flag), rows, (ATTRIBUTION,))


_R4V_NUMBERS: dict[str, Maker] = {
    "Quantity_output": lambda a, p, g: a.quantity,
    "Total_monthly": lambda a, p, g: a.reached,
    "Girls": lambda a, p, g: a.girls,
    "Boys": lambda a, p, g: a.boys,
    "Women": lambda a, p, g: a.women,
    "Men": lambda a, p, g: a.men,
    "Other_under": lambda a, p, g: a.other_children,
    "Other_above": lambda a, p, g: a.other_adults,
}


def _country(activity: Activity, places: Places, language: str) -> Cell:
    country = places.get(places.at_most(activity.adm1_pcode, 0))
    return country.label(language) if country else None


_R4V: dict[str, Maker] = {
    "Country": _country,
    "Admin1": lambda a, p, g: _place_name(a.adm1_pcode, p),
    "Admin2": lambda a, p, g: _place_name(a.adm2_pcode, p),
    "Appealing_org": lambda a, p, g: a.org_leader,
    "Implementation": lambda a, p, g: _set_up(a)[g],
    "Implementing_partner": lambda a, p, g: a.org_implementer,
    "Month": lambda a, p, g: a.report_month.strftime("%Y-%m"),
    "Subsector": lambda a, p, g: label("r4v_subsector", _sector(a), g),
    "Indicator": lambda a, p, g: _indicator(a, g),
    "Activity_Name": lambda a, p, g: _name(a, g),
    "Activity_Description": lambda a, p, g: a.activity_detail,
    **_R4V_NUMBERS,
}
_DIRECT = text("Directa", "Direct")
_PARTNER = text("Por socio implementador", "Through implementing partner")


def _set_up(activity: Activity) -> Text:
    return _DIRECT if activity.org_leader == activity.org_implementer else _PARTNER


def _indicator(activity: Activity, language: str) -> str | None:
    fitting = [i for i in ALLOWED if counts_towards(activity, i)]
    return fitting[-1].label[language] if fitting else None


def r4v_table(activities: Iterable[Activity], language: str, places: Places) -> Table:
    """The columns of the regional refugee and migrant response (R4V), names in ``language``."""
    columns = [
        Column(
            r["column"], same(r["column"]), "", "integer" if r["column"] in _R4V_NUMBERS else "text"
        )
        for r in _listed("r4v_columns")
    ]
    rows = [
        (*(_made(_R4V.get(c.key), a, places, language) for c in columns), _flag(a))
        for a in activities
    ]
    return Table(
        "r4v_5w", TITLE, (*columns, Column("Masked", same("Masked"))), rows, (ATTRIBUTION,)
    )


def _made(make: Maker | None, activity: Activity, places: Places, language: str) -> Cell:
    return make(activity, places, language) if make else None

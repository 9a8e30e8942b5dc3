"""The bulletin as a word-processor document (Office Open XML), and people's texts read back from it.

Only people's texts may be edited, each in a content control for its section. Numbers are in locked controls; `changed`
finds any other difference from the original document.
"""

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from common.tables_io.archives import (
    Limits,
    UnreadableArchiveError,
    UnsafeArchiveError,
    archive,
)

from reporting.publish.bulletins.document.texts import say
from reporting.publish.bulletins.rendering.page import Page

MOST_BYTES = 8_000_000
_LIMITS = Limits(unpacked=60_000_000)
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TEXTS = "words:"
_EMU = 9525
"""English metric units of a pixel."""
_WIDEST = 600
_STYLES = (("Title", 44), ("Heading1", 30), ("Caption", 21))


class UnreadableDocumentError(ValueError):
    """The file is not a bulletin document."""


def as_docx(page: Page, editable: Mapping[str, str]) -> bytes:
    """Return the document. ``editable`` contains the titles, in order, of all sections with an editable text; it is
    empty for a published bulletin."""
    writer = _Writer(page)
    body = "".join(writer.body(editable))
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as package:
        parts: dict[str, str] = {
            "[Content_Types].xml": _TYPES,
            "_rels/.rels": _relations({"rId1": ("officeDocument", "word/document.xml")}),
            "word/_rels/document.xml.rels": _relations(
                {"rStyles": ("styles", "styles.xml")}
                | {name: ("image", f"media/{file}") for file, name in writer.pictures.items()}
            ),
            "word/styles.xml": _styles(page.language),
            "word/document.xml": _DOCUMENT.format(body=body),
        }
        media = {f"word/media/{file}": writer.files[file] for file in writer.pictures}
        everything: dict[str, str | bytes] = {**parts, **media}
        for name, content in everything.items():
            package.writestr(ZipInfo(name), content, ZIP_DEFLATED)
    return made.getvalue()


class _Writer:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.files = {**page.images, **page.logos}
        self.pictures: dict[str, str] = {}

    def body(self, editable: Mapping[str, str]) -> Iterator[str]:
        page = self.page
        if page.draft:
            yield _paragraph(_run(page.words["draft"], bold=True))
        yield from (self._picture(i["logo"], i["name"], 120) for i in page.issuers if i["logo"])
        yield from (_paragraph(_run(line)) for line in page.lines)
        if page.issuers:
            names = ", ".join(each["name"] for each in page.issuers)
            yield _paragraph(_run(f"{page.words['issuers']}: {names}"))
        yield _paragraph(_run(page.title), "Title")
        yield _paragraph(_run(page.period))
        yield _paragraph(_run(page.standing, bold=True))
        sections = {each["id"]: each for each in page.sections}
        for name, title in (editable or {n: s["title"] for n, s in sections.items()}).items():
            yield _paragraph(_run(title), "Heading1")
            blocks = sections[name]["blocks"] if name in sections else []
            said = [part for b in blocks if b["kind"] == "words" for part in b["paragraphs"]]
            if said or editable:
                yield _control(name, said or [say("page.write_here")[page.language]])
            for block in blocks:
                if block["kind"] != "words":
                    yield from self._block(block)

    def _block(self, block: dict[str, Any]) -> Iterator[str]:
        match block["kind"]:
            case "sentence":
                yield _paragraph("".join(map(_part, block["runs"])))
            case "key-figures":
                for card in block["cards"]:
                    yield _paragraph(_part(card["run"]) + _run(f"  {card['label']}"))
            case "table":
                yield from _table(block)
            case _:
                alternative = " ".join(filter(None, (block["alt"], block["numbers"])))
                yield self._picture(block["image_name"], alternative, block["width"])
                if not block["says_all"]:
                    yield from _table(block["table"])

    def _picture(self, file: str, alternative: str, width: int) -> str:
        name = self.pictures.setdefault(file, f"rImage{len(self.pictures)}")
        content = self.files[file]
        wide, high = (int.from_bytes(content[at : at + 4]) for at in (16, 20))
        width = min(width, _WIDEST)
        size = f'cx="{width * _EMU}" cy="{width * _EMU * high // wide}"'
        number = len(self.pictures)
        return _PICTURE.format(number=number, said=quoteattr(alternative), size=size, name=name)


def _paragraph(runs: str, style: str = "") -> str:
    kind = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{kind}{runs}</w:p>"


def _run(text: str, *, bold: bool = False) -> str:
    look = "<w:rPr><w:b/></w:rPr>" if bold else ""
    return f'<w:r>{look}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def _part(run: Any) -> str:
    if run.role != "figure":
        return _run(run.text)
    return (
        '<w:sdt><w:sdtPr><w:tag w:val="figure"/><w:lock w:val="sdtContentLocked"/></w:sdtPr>'
        f"<w:sdtContent>{_run(run.text, bold=True)}</w:sdtContent></w:sdt>"
    )


def _control(section: str, paragraphs: list[str]) -> str:
    inside = "".join(_paragraph(_run(each)) for each in paragraphs)
    return (
        f'<w:sdt><w:sdtPr><w:tag w:val="{_TEXTS}{section}"/><w:lock w:val="sdtLocked"/></w:sdtPr>'
        f"<w:sdtContent>{inside}</w:sdtContent></w:sdt>"
    )


def _table(table: dict[str, Any]) -> Iterator[str]:
    yield _paragraph(_run(table["caption"]), "Caption")
    head = "".join(f"<w:tc>{_paragraph(_run(h['text'], bold=True))}</w:tc>" for h in table["heads"])
    rows = "".join(
        "<w:tr>" + "".join(f"<w:tc>{_paragraph(_part(cell))}</w:tc>" for cell in row) + "</w:tr>"
        for row in table["rows"]
    )
    yield (
        '<w:tbl><w:tblPr><w:tblStyle w:val="Rows"/><w:tblW w:w="5000" w:type="pct"/></w:tblPr>'
        f"<w:tblGrid>{'<w:gridCol/>' * len(table['heads'])}</w:tblGrid>"
        f"<w:tr><w:trPr><w:tblHeader/></w:trPr>{head}</w:tr>{rows}</w:tbl>"
    )
    yield _paragraph("")


def texts(document: bytes, language: str) -> dict[str, str]:
    """Return people's texts by section. Raise UnreadableDocumentError if the document cannot be read."""
    prompt = say("page.write_here")[language]
    found: dict[str, str] = {}
    for control in _root(document).iter(f"{{{_W}}}sdt"):
        if (name := _section(control)) is not None:
            said = "\n".join(filter(None, (each.strip() for each in _paragraphs(control))))
            found[name] = "" if said == prompt else said
    return found


def fixed(document: bytes) -> list[str]:
    """Return all paragraphs except people's texts. Raise UnreadableDocumentError if the document cannot be read."""
    root = _root(document)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{{{_W}}}sdt" and _section(child) is not None:
                parent.remove(child)
    found = (re.sub(r"\s+", " ", each).strip() for each in _paragraphs(root))
    return [each for each in found if each]


def changed(document: bytes, given_out: bytes) -> list[str]:
    """Return all differences from the original document, except in people's texts."""
    now, before = fixed(document), fixed(given_out)
    return [each for each in (*now, *before) if now.count(each) != before.count(each)]


def numbers(document: bytes) -> list[str]:
    return list(_paragraphs(_root(document)))


def _section(control: ET.Element) -> str | None:
    tag = control.find(f"{{{_W}}}sdtPr/{{{_W}}}tag")
    name = tag.get(f"{{{_W}}}val", "") if tag is not None else ""
    return name.removeprefix(_TEXTS) if name.startswith(_TEXTS) else None


def _paragraphs(root: ET.Element) -> Iterator[str]:
    """Yield the text of each paragraph, as it is after all tracked changes."""
    for paragraph in root.iter(f"{{{_W}}}p"):
        yield "".join(
            "\n"
            if each.tag == f"{{{_W}}}br"
            else "\t"
            if each.tag == f"{{{_W}}}tab"
            else each.text or ""
            for each in paragraph.iter()
            if each.tag in {f"{{{_W}}}{name}" for name in ("t", "br", "tab")}
        )


def _root(document: bytes) -> ET.Element:
    try:
        with archive(io.BytesIO(document), _LIMITS) as package:
            content = package.read("word/document.xml")
    except (UnreadableArchiveError, UnsafeArchiveError, KeyError) as damage:
        raise UnreadableDocumentError from damage
    if any(sign in content for sign in (b"\0", b"<!DOCTYPE", b"<!ENTITY")):  # a zero byte: UTF-16
        raise UnreadableDocumentError
    try:
        return ET.fromstring(content)  # noqa: S314 - without a document type it has no entities
    except ET.ParseError as damage:
        raise UnreadableDocumentError from damage


def _relations(found: Mapping[str, tuple[str, str]]) -> str:
    rows = "".join(
        f'<Relationship Id="{name}" Type="{_R}/{kind}" Target="{target}"/>'
        for name, (kind, target) in found.items()
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


def _styles(language: str) -> str:
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{spoken}"/>'
        f'<w:pPr><w:keepNext/><w:spacing w:before="240" w:after="80"/>{level}</w:pPr>'
        f'<w:rPr><w:b/><w:color w:val="0B3C5D"/><w:sz w:val="{size}"/></w:rPr></w:style>'
        for name, size in _STYLES
        for spoken in [name.replace("Heading1", "heading 1")]
        for level in ['<w:outlineLvl w:val="0"/>' if name == "Heading1" else ""]
    )
    return (
        f'{_XML}<w:styles xmlns:w="{_W}"><w:docDefaults><w:rPrDefault><w:rPr>'
        f'<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri"/><w:sz w:val="21"/><w:lang w:val="{language}"/>'
        '</w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing w:after="80"/></w:pPr></w:pPrDefault>'
        f"</w:docDefaults>{styles}"
        '<w:style w:type="table" w:styleId="Rows"><w:name w:val="Rows"/><w:tblPr><w:tblBorders>'
        '<w:bottom w:val="single" w:sz="4" w:color="BEBEBE"/><w:insideH w:val="single" w:sz="4" w:color="BEBEBE"/>'
        "</w:tblBorders></w:tblPr></w:style></w:styles>"
    )


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_TYPES = (
    f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="png" ContentType="image/png"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_MAIN}.document.main+xml"/>'
    f'<Override PartName="/word/styles.xml" ContentType="{_MAIN}.styles+xml"/></Types>'
)
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
_DOCUMENT = (
    f'{_XML}<w:document xmlns:w="{_W}" xmlns:r="{_R}" xmlns:wp="{_DRAWING}/wordprocessingDrawing"'
    f' xmlns:a="{_DRAWING}/main" xmlns:pic="{_DRAWING}/picture"><w:body>{{body}}<w:sectPr>'
    '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1134" w:right="1134" w:bottom="1134"'
    ' w:left="1134" w:header="600" w:footer="600" w:gutter="0"/></w:sectPr></w:body></w:document>'
)
_PICTURE = (
    '<w:p><w:r><w:drawing><wp:inline><wp:extent {size}/><wp:docPr id="{number}" name="{name}" descr={said}/>'
    f'<a:graphic><a:graphicData uri="{_DRAWING}/picture"><pic:pic>'
    '<pic:nvPicPr><pic:cNvPr id="{number}" name="{name}"/><pic:cNvPicPr/></pic:nvPicPr>'
    '<pic:blipFill><a:blip r:embed="{name}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
    '<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext {size}/></a:xfrm>'
    '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr>'
    "</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
)

"""`./ruta directory import | export | template` on the running stack, through the gateway."""

import csv
import zipfile
from pathlib import Path

import pytest

from tests.support.hsds_feed import published
from tests.support.system import System

pytestmark = pytest.mark.system


def total(system: System, client: str | None, **query: str) -> int:
    answer = system.running.request(client, "GET", "/directory/v1/services", params=query)
    return int(answer.json()["total_items"])


@pytest.mark.slow
def test_a_filled_template_comes_in_and_a_bad_one_changes_nothing(
    system: System, tmp_path: Path
) -> None:
    template = tmp_path / "servicios.csv"
    system.ruta("directory", "template", str(template), "--language", "es")
    with template.open(encoding="utf-8-sig") as file:
        header = next(csv.reader(file))
    values = {"Organización *": "Org de plantilla", "Nombre del servicio *": "Xilografía comunitaria",
              "Categorías *": "GP-INFO", "Visibilidad": "Público"}  # fmt: skip
    with template.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow([values.get(name, "") for name in header])
    done = system.ruta("directory", "import", str(template))
    assert "fidelity: 4 values read" in done.stdout
    assert "0 left out" in done.stdout
    assert total(system, None, search="xilografia") == 1
    with template.open("a", encoding="utf-8", newline="") as file:
        bad = values | {"Nombre del servicio *": "Otra xilografía", "Categorías *": "NADA"}
        csv.writer(file).writerow([bad.get(name, "") for name in header])
    done = system.ruta("directory", "import", str(template), "--language", "en", check=False)
    assert done.returncode == 1
    assert "nothing written" in done.stdout
    assert "“NADA” is not in the list" in done.stdout
    assert total(system, None, search="xilografia") == 1


@pytest.mark.slow
def test_a_large_file_is_watched_to_its_end(system: System, tmp_path: Path) -> None:
    source = tmp_path / "grande.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["external_id", "organisation", "name", "categories", "description"])
        for n in range(150):
            writer.writerow([n, "Org grande", f"Servicio grande {n}", "GP-INFO", "texto " * 1_500])
    done = system.ruta("directory", "import", str(source), "--skip-bad")
    assert "150 new" in done.stdout


def test_a_feed_is_imported_by_its_address(system: System) -> None:
    services = {
        f"feed-{n}": {
            "id": f"feed-{n}", "name": f"Zampoña de barrio {n}", "description": "Música", "status": "active",
            "organization": {"id": "feed-o", "name": "Org del feed", "description": "ONG"},
        }
        for n in range(3)
    }  # fmt: skip
    with published(services) as address:
        done = system.ruta("directory", "import", address, "--visibility", "public")
        again = system.ruta("directory", "import", address, "--visibility", "public")
    assert "3 new" in done.stdout
    assert "3 unchanged" in again.stdout
    assert total(system, None, search="zampoña") == 3


@pytest.mark.parametrize(
    "name",
    [
        "out.zip",
        *(
            pytest.param(f"out.{kind}", marks=pytest.mark.slow)
            for kind in ("xlsx", "csv", "geojson")
        ),
    ],
)
def test_exports_are_written_for_whoever_asks(system: System, tmp_path: Path, name: str) -> None:
    mine, theirs = tmp_path / f"im-{name}", tmp_path / f"reader-{name}"
    system.ruta("directory", "export", str(mine))
    system.ruta("directory", "export", str(theirs), "--as", "health-cluster")
    assert mine.stat().st_size > theirs.stat().st_size > 1_000


@pytest.mark.slow
def test_an_exported_package_is_a_folder_that_comes_in_again(
    system: System, tmp_path: Path
) -> None:
    packed, folder = tmp_path / "out.zip", tmp_path / "package"
    system.ruta("directory", "export", str(packed))
    with zipfile.ZipFile(packed) as package:
        package.extractall(folder)
    done = system.ruta("directory", "import", str(folder), "--dry-run", "--skip-bad")
    assert "services: 0 new" in done.stdout


@pytest.mark.slow
def test_words_of_a_publisher_are_decided_on_the_command_line(
    system: System, tmp_path: Path
) -> None:
    source = tmp_path / "registro.csv"
    rows = [["external_id", "organisation", "name", "categories", "visibility"],
            ["r-1", "Registro de prueba", "Xilófono", "Taller de xilófono", "public"]]  # fmt: skip
    with source.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    system.ruta("directory", "import", str(source), "--source", "xilofonos")
    assert "xilofonos" in system.ruta("crosswalks", "list", "--language", "en").stdout
    terms = ("crosswalks", "terms", "xilofonos", "--undecided", "--language", "en")
    assert "Taller de xilófono" in system.ruta(*terms).stdout
    done = system.ruta("crosswalks", "decide", "xilofonos", "Taller de xilófono", "GP-INFO")
    assert "cambiaron: 1" in done.stdout
    assert "No term." in system.ruta(*terms).stdout
    table = tmp_path / "terms.csv"
    system.ruta("crosswalks", "export", "xilofonos", str(table))
    assert "GP-INFO" in table.read_text()
    table.write_text(table.read_text().replace("GP-INFO", "-"))
    done = system.ruta("crosswalks", "import", "xilofonos", str(table), "--language", "en")
    assert "changed: 1" in done.stdout
    unknown = system.ruta("crosswalks", "decide", "xilofonos", "Otra cosa", "-", check=False)
    assert unknown.returncode != 0
    assert "ningún término" in unknown.stderr + unknown.stdout

"""Who may administer identities."""

from typing import Annotated

from common.auth import Principal, Role
from common.web import open_to_all, requires

Admin = Annotated[Principal, requires("admin", {Role.ADMIN})]
Anyone = Annotated[Principal, open_to_all()]

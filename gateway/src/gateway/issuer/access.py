"""Who may administer identities."""

from typing import Annotated

from common.auth import Principal, Role
from common.http import open_to_all, requires

Admin = Annotated[Principal, requires("admin", {Role.ADMIN})]
Colleague = Annotated[Principal, requires("referrals:read")]
Auditor = Annotated[Principal, requires("referrals:read", {Role.AUDITOR})]
Anyone = Annotated[Principal, open_to_all()]

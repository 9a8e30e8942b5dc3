"""What the commands of the front and the issuer say (`common.wording`)."""

from common.wording import Wording

_own = Wording("gateway")
said, told = _own.said, _own.told

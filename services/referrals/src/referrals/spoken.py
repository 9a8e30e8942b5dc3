"""What referrals' commands say (`common.wording`)."""

from common.wording import Wording

_own = Wording("referrals")
said, told = _own.said, _own.told

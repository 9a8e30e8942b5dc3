"""Messages of the referral commands (`common.words.wording`)."""

from common.words.wording import Wording

_own = Wording("referrals")
said, told = _own.said, _own.told

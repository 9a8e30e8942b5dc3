"""Messages of the referral commands (`common.words.command_texts`)."""

from common.words.command_texts import Wording

_own = Wording("referrals")
said, told = _own.said, _own.told

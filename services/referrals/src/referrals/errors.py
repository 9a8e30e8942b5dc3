"""Every way in which this service says no, beyond the ones that all services share."""

from common.errors import ProblemType

ILLEGAL_TRANSITION = ProblemType(
    "illegal_transition",
    409,
    "The present state does not allow this step",
    "The body names the state and the steps that are legal now in 'legal_transitions'.",
)
NOT_YOUR_STEP = ProblemType(
    "not_your_step", 403, "This step belongs to the other side of the referral"
)
NOT_GRANTED = ProblemType(
    "not_granted",
    422,
    "The person did not agree to share this",
    "Remove the named items, or ask the person and record a new consent.",
)
NOT_ON_RECORD = ProblemType("not_on_record", 422, "The case does not hold these items")
NO_WAY_TO_REACH = ProblemType(
    "no_way_to_reach",
    422,
    "The service could not reach the person",
    "Share a contact, an address or the caregiver's contact, or choose another rule of safe contact.",
)
ALREADY_OPEN = ProblemType(
    "already_open",
    409,
    "A referral of this person to this service is open",
    "Follow the open referral, or send this one too with in_addition: true.",
)
NO_CONSENT = ProblemType(
    "no_consent",
    409,
    "No active consent or approved exception covers this",
    "Record the person's consent for this service and purpose first.",
)
CONSENT_PENDING = ProblemType(
    "consent_pending", 409, "A supervisor has to decide before anything is shared"
)
CONSENT_WITHDRAWN = ProblemType(
    "consent_withdrawn", 410, "The person withdrew consent: nothing is shared any more"
)
WRONG_DECIDER = ProblemType("wrong_decider", 409, "This person cannot decide here")
NOT_REFERABLE = ProblemType(
    "not_referable",
    409,
    "This service cannot be chosen now",
    "Choose another one from the directory, or ask its organisation to update its entry.",
)
IMPLICATED = ProblemType(
    "organisation_implicated", 409, "This organisation is implicated in the case"
)
CROSS_BORDER = ProblemType(
    "cross_border_not_covered",
    409,
    "No information-sharing protocol covers this referral across a border",
)
ERASED = ProblemType("erased", 410, "The person's data was erased")
ALREADY_DECIDED = ProblemType("already_decided", 409, "It was already decided")
OPEN_REFERRALS = ProblemType(
    "open_referrals",
    409,
    "This case still has open referrals",
    "Recall them, or wait for their outcome; 'referral_ids' names them.",
)
TRANSFER_OPEN = ProblemType("transfer_open", 409, "This case already has an open transfer")
ATTACHMENTS_REFUSED = ProblemType(
    "attachments_refused",
    415,
    "Ruta does not accept attachments yet",
    "Hand documents over by the safe way that the referral names.",
)
LINK_SPENT = ProblemType("link_spent", 410, "This link was used or has expired")
UNSAFE_ADDRESS = ProblemType("unsafe_address", 422, "Ruta calls public https addresses only")

NO_THREAD = ProblemType(
    "no_thread",
    404,
    "There is no thread under this number",
    "Check the number. A thread ends after a time without messages; nobody can restore a number.",
)
FORM_TOO_OLD = ProblemType(
    "form_too_old", 409, "This form is too old", "Open the form again and send the same text."
)
NO_ACCOUNT_HERE = ProblemType(
    "no_account_here",
    400,
    "The line is used without an account",
    "Send the request without an access token.",
)
NO_WISH = ProblemType(
    "no_wish",
    409,
    "The reporter has not asked for a case",
    "Ask in the thread, or ask for an exception that a second person decides.",
)
NOT_SAFE_NOW = ProblemType(
    "not_safe_now",
    409,
    "It is not safe to talk now",
    "Stop here and agree on a safe way and time. Nothing was kept.",
)
SCREENING_DECLINED = ProblemType(
    "screening_declined",
    409,
    "The person does not agree to be asked",
    "Offer help without any questions. Nothing was kept.",
)
SCREENING_ENDED = ProblemType(
    "screening_ended", 409, "The screening has ended", "Begin a new one if the person wishes."
)
SCREENING_OPEN = ProblemType(
    "screening_open", 409, "The screening is not concluded", "Conclude it first."
)
NOT_CERTIFIED = ProblemType(
    "not_certified",
    403,
    "Only a certified screener may conclude a screening",
    "Ask your supervisor to record the certificate, or name the certified screener.",
)
CASE_NEEDED = ProblemType(
    "case_needed",
    409,
    "The screening belongs to no case yet",
    "Register the case, then attach the screening to it.",
)
INSTRUMENT_RETIRED = ProblemType(
    "instrument_retired",
    409,
    "This version of the instrument is retired",
    "List the instruments and use one that is in use.",
)
INSTRUMENT_UNREADABLE = ProblemType(
    "instrument_unreadable",
    422,
    "The workbook cannot become an instrument",
    "Correct what the detail and the pointer name, and upload it again.",
)
SUBMISSION_CHANGED = ProblemType(
    "submission_changed",
    409,
    "A submission with this id was already received, with other content",
    "Send the edited submission with a new id; the first one stays as it was.",
)
FORM_UNKNOWN = ProblemType(
    "form_unknown",
    404,
    "The form is unknown, switched off, or its secret is wrong",
    "Copy the address and the secret of the form again, or rotate the secret.",
)
FORM_HELD = ProblemType(
    "form_held",
    403,
    "The organisation of this form is suspended",
    "Keep the submission and send it again after the suspension. Sending it twice does no harm.",
)
NO_SUCH_CHANNEL = ProblemType(
    "no_such_channel", 422, "This operation sends no notices that way", "Choose one that it offers."
)
WRONG_CODE = ProblemType(
    "wrong_code",
    409,
    "This is not the code",
    "Read the last message that was sent there, or ask for another code.",
)
SEARCH_NOT_UNDERSTOOD = ProblemType(
    "search_not_understood",
    400,
    "Ruta cannot answer this search",
    "The detail names what is known; with 'Prefer: handling=lenient' unknown parameters are ignored.",
)

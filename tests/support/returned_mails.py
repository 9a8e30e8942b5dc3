"""Builds the bounce of an e-mail that a server accepted but could not deliver (RFC 3464)."""

from email.message import EmailMessage, Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText


def report(mail: EmailMessage, status: str = "5.1.1", action: str = "failed") -> str:
    made = MIMEMultipart("report")
    made.set_param("report-type", "delivery-status")
    made["From"], made["To"] = "MAILER-DAEMON@mx.example.org", str(mail["From"])
    made.attach(MIMEText(f"{mail['To']} does not exist here"))
    outcome = Message()
    outcome["Content-Type"] = "message/delivery-status"
    about = Message()
    about["Reporting-MTA"] = "dns; mx.example.org"
    whose = Message()
    whose["Final-Recipient"], whose["Action"] = f"rfc822; {mail['To']}", action
    whose["Status"] = status
    outcome.set_payload([about, whose])
    made.attach(outcome)
    returned = Message()
    returned["Content-Type"] = "text/rfc822-headers"
    returned.set_payload("".join(f"{name}: {value}\n" for name, value in mail.items()))
    made.attach(returned)
    return made.as_string()

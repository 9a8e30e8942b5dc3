"""Channels of the embedded stack: its own mailbox (see mailbox.py) or the relay of the person who started it, and
real Web Push."""

import json
import os

from stack.embedded.layout import Layout
from stack.embedded.ports import LOOPBACK
from stack.embedded.secrets import marked_key, push_key
from stack.private_files import write_private

_GATEWAY = {
    "kind": "template",
    "content_type": "application/json",
    "body": '{"number": "{number}", "text": "{text}", "id": "{id}"}',
    "accepted": {"path": "status", "values": ["queued"]},
}


def prepare_channels(layout: Layout, smtp_port: int, mailbox_port: int) -> dict[str, str]:
    """The settings of the referrals service."""
    gateway = layout.root / "sms-gateway.json"
    address = f"http://{LOOPBACK}:{mailbox_port}/sms"
    write_private(gateway, json.dumps(_GATEWAY | {"url": address}, indent=2))
    mail = {
        "RUTA_SMTP_URL": f"smtp://{LOOPBACK}:{smtp_port}",
        "RUTA_MAIL_SENDER": "ruta@ruta.invalid",
    }
    return {
        **{name: os.environ.get(name, own) for name, own in mail.items()},
        "RUTA_PUSH_KEY_FILE": str(push_key(layout)),
        "RUTA_PUSH_CONTACT": "mailto:ruta@ruta.invalid",
        "RUTA_SMS_GATEWAY_FILE": str(gateway),
    }


def prepare_questions(layout: Layout) -> dict[str, str]:
    """The settings of the directory: text messages of the public, passed on and answered through the
    mailbox."""
    file = layout.root / "sms-questions.json"
    if not file.exists():
        write_private(file, json.dumps({"secret": marked_key(), "answer": "sent"}, indent=2))
    return {"RUTA_SMS_QUESTIONS_FILE": str(file)}

"""What invitation reads from its environment beside what every room reads."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from rinnan_chassis.addresses import is_loopback, is_private
from rinnan_chassis.settings import Settings as RoomSettings
from rinnan_invitation.channels import MailServer


class Settings(RoomSettings):
    """Addresses and secrets of the ways out, and the pepper of codes, which is in no database."""

    code_pepper: Annotated[SecretStr, Field(min_length=32)]
    portal_address: str = Field(description="The address that letters name.")

    mail_host: str
    mail_port: Annotated[int, Field(ge=1, le=65_535)] = 587
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_sender: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    mail_username: str | None = None
    mail_password: SecretStr | None = None
    mail_ca_file: Path | None = None

    sms_url: str | None = None
    sms_token: SecretStr | None = None

    @model_validator(mode="after")
    def _nothing_leaves_in_the_clear(self) -> Self:
        if self.mail_security == "none" and not is_loopback(self.mail_host):
            raise ValueError("RINNAN_MAIL_SECURITY=none is for a mail server on loopback")
        for name, address in (("RINNAN_PORTAL_ADDRESS", self.portal_address), ("RINNAN_SMS_URL", self.sms_url)):
            if address is not None and not is_private(address):
                raise ValueError(f"{name} needs https, except on loopback")
        return self

    def mail_server(self) -> MailServer:
        """Where e-mail is handed over."""
        return MailServer(
            host=self.mail_host,
            port=self.mail_port,
            sender=self.mail_sender,
            tls=self.mail_security == "tls",
            starttls=self.mail_security == "starttls",
            username=self.mail_username,
            password=self.mail_password.get_secret_value() if self.mail_password else None,
            context=ssl.create_default_context(cafile=self.mail_ca_file) if self.mail_ca_file else None,
        )

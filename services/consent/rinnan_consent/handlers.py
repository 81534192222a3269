"""Which event or command goes to which decider."""

from rinnan_chassis.handlers import Handlers
from rinnan_consent import domain
from rinnan_consent.domain import GiveConsents, Registration, WithdrawConsents
from rinnan_events.intake import PartyLeft, RegistrationCompleted, RegistrationEnded, RegistrationPurged

handlers = Handlers(state=Registration)

handlers.hears(RegistrationCompleted, domain.note_the_completion)
handlers.hears(RegistrationEnded, domain.end)
handlers.hears(RegistrationPurged, domain.purge)
handlers.hears(PartyLeft, domain.forget_the_leaver)

handlers.commands(GiveConsents, domain.give)
handlers.commands(WithdrawConsents, domain.withdraw)

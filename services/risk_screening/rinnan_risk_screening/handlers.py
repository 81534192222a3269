"""Which event, command or result goes to which decider, and what is done outside."""

from datetime import timedelta

from rinnan_chassis.handlers import AfterCrash, Handlers
from rinnan_events.intake import PartyLeft, RegistrationCompleted, RegistrationEnded, RegistrationPurged
from rinnan_risk_screening import domain, work
from rinnan_risk_screening.domain import ReceiveScreening, Registration, Scored

handlers = Handlers(state=Registration)

handlers.hears(RegistrationCompleted, domain.note_the_completion)
handlers.hears(RegistrationEnded, domain.end)
handlers.hears(RegistrationPurged, domain.purge)
handlers.hears(PartyLeft, domain.forget_the_leaver)

handlers.commands(ReceiveScreening, domain.receive)

handlers.works("score", work.score, lease=timedelta(seconds=30), after_crash=AfterCrash.AGAIN, parallel=32)
handlers.results(Scored, domain.complete)

"""Which event, command or result goes to which decider, and what is done outside."""

from datetime import timedelta

from rinnan_chassis.deciding import Lost
from rinnan_chassis.handlers import AfterCrash, Backoff, Handlers
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
from rinnan_events.intake import (
    FormReopened,
    FormSubmitted,
    InvitationWanted,
    ParentJoined,
    PartyLeft,
    RegistrationCompleted,
    RegistrationEnded,
    RegistrationOpened,
    RegistrationPurged,
    SingleContactRequested,
)
from rinnan_events.risk_screening import ScreeningCompleted
from rinnan_invitation import work
from rinnan_invitation.domain import asking, joining, life, reminding
from rinnan_invitation.domain.asking import AskAgain, CodeMade, MessageSent
from rinnan_invitation.domain.joining import PresentCode, TakeJoining
from rinnan_invitation.domain.registration import CODE, Registration
from rinnan_invitation.domain.reminding import Reminded

handlers = Handlers(state=Registration, claims=(CODE,))

handlers.hears(RegistrationOpened, life.note_the_opening)
handlers.hears(InvitationWanted, asking.ask)
handlers.hears(ParentJoined, life.welcome)
handlers.hears(FormSubmitted, life.note_the_submission)
handlers.hears(FormReopened, life.note_the_reopening)
handlers.hears(ScreeningCompleted, life.note_the_screening)
handlers.hears(ConsentGiven, life.note_the_consents)
handlers.hears(ConsentWithdrawn, life.note_the_withdrawal)
handlers.hears(RegistrationCompleted, life.rest)
handlers.hears(RegistrationEnded, life.close)
handlers.hears(RegistrationPurged, life.purge)
handlers.hears(PartyLeft, life.forget_the_leaver)
handlers.hears(SingleContactRequested, life.leave_alone)

handlers.commands(AskAgain, asking.ask_again)
handlers.commands(TakeJoining, joining.take_joining)
handlers.commands(PresentCode, joining.present_code)

PATIENT = Backoff(first=timedelta(seconds=10), factor=2, most=timedelta(minutes=30))

handlers.works(asking.MAKE_CODE, work.make_code, lease=timedelta(seconds=30), after_crash=AfterCrash.AGAIN)
handlers.works(
    asking.SEND_INVITATION,
    work.send_invitation,
    lease=timedelta(seconds=90),
    after_crash=AfterCrash.AGAIN,
    retry=PATIENT,
)
handlers.works(reminding.REMIND, work.remind, lease=timedelta(seconds=90), after_crash=AfterCrash.DECIDE, retry=PATIENT)
handlers.works(joining.LOOK_UP_CODE, work.look_up_code, lease=timedelta(seconds=30), after_crash=AfterCrash.AGAIN)

handlers.results(CodeMade, asking.issue)
handlers.results(MessageSent, asking.note_the_invitation_sent)
handlers.results(Reminded, reminding.note_the_reminder)
handlers.results(Lost, reminding.note_the_perhaps)

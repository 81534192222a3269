"""Which event, command or result goes to which decider, and what is done outside."""

from __future__ import annotations

from datetime import timedelta

from rinnan_chassis.handlers import Handlers
from rinnan_events.adapter import DeliveryOutcome
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
from rinnan_events.intake import (
    FormSubmitted,
    ParentJoined,
    PartyLeft,
    ProtectionNoted,
    RegistrationCompleted,
    RegistrationOpened,
    RegistrationPurged,
    SingleContactRequested,
)
from rinnan_events.risk_screening import CareRouteSet
from rinnan_record_export import work
from rinnan_record_export.domain import outcomes, packages, planning, registration
from rinnan_record_export.domain.outcomes import Assembled, LookDue, PaperDue, PromiseDue
from rinnan_record_export.domain.planning import PlanAnyway
from rinnan_record_export.domain.registration import Registration

handlers = Handlers(state=Registration)

handlers.hears(RegistrationOpened, planning.note_the_opening)
handlers.hears(ParentJoined, planning.note_the_parent)
handlers.hears(FormSubmitted, planning.note_the_form)
handlers.hears(ProtectionNoted, planning.note_protection)
handlers.hears(ConsentGiven, planning.note_the_consents)
handlers.hears(ConsentWithdrawn, planning.note_the_withdrawal)
handlers.hears(CareRouteSet, planning.note_the_care)
handlers.hears(PartyLeft, planning.let_go)
handlers.hears(RegistrationCompleted, planning.complete)
handlers.hears(SingleContactRequested, planning.contact_alone)
handlers.hears(RegistrationPurged, planning.purge)
handlers.hears(DeliveryOutcome, outcomes.hear_outcome, process=lambda event: event.destination)

handlers.commands(packages.Release, packages.release)
handlers.commands(packages.KeyIn, packages.key_in)
handlers.commands(packages.Verify, packages.verify)
handlers.commands(packages.SendBack, packages.send_back)
handlers.commands(packages.ConfirmRecall, packages.confirm_recall)
handlers.commands(packages.SettleConflict, packages.settle_conflict)
handlers.commands(packages.TryAgain, packages.try_again)
handlers.commands(packages.TakeUpCorrections, packages.take_up_corrections)

handlers.works(registration.ASSEMBLE, work.assemble, lease=timedelta(seconds=30), parallel=16)
handlers.works(registration.ALARM, work.alarm)
handlers.due(registration.LOOK, LookDue)
handlers.due(registration.PAPER, PaperDue)
handlers.due(registration.PROMISE, PromiseDue)
handlers.due(registration.PLAN_ANYWAY, PlanAnyway)

handlers.results(Assembled, outcomes.request)
handlers.results(LookDue, outcomes.look)
handlers.results(PaperDue, outcomes.turn_to_paper)
handlers.results(PromiseDue, outcomes.call_for_the_promise)
handlers.results(PlanAnyway, planning.plan_anyway)

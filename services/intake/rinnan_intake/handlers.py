"""Which fact goes to which decider."""

from __future__ import annotations

from rinnan_chassis.handlers import AfterCrash, Handlers
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
from rinnan_events.invitation import CodePresented
from rinnan_events.record_export import DeliveryMoved
from rinnan_events.risk_screening import ScreeningCompleted
from rinnan_intake import work
from rinnan_intake.domain import assisting, attention, ending, gate, joining, leaving, opening, own_part, tries
from rinnan_intake.domain.joining import TICKET
from rinnan_intake.domain.state import ALARM, PAIR, Registration
from rinnan_intake.domain.tries import PERSON

handlers = Handlers[Registration](state=Registration, claims=(PAIR, PERSON, TICKET), guests=True)

handlers.hears(CodePresented, joining.match_the_person, claims=joining.claims_of_code)
handlers.hears(ScreeningCompleted, gate.hear_screening)
handlers.hears(ConsentGiven, gate.hear_consent)
handlers.hears(ConsentWithdrawn, gate.hear_withdrawal)
handlers.hears(DeliveryMoved, ending.hear_delivery)

handlers.commands(opening.StartRegistration, opening.start_registration)
handlers.commands(joining.IssueTicket, joining.issue_ticket)
handlers.commands(assisting.ActForACaller, assisting.act_for_a_caller)
handlers.commands(own_part.SaveStep, own_part.save_step)
handlers.commands(own_part.SaveContact, own_part.save_contact)
handlers.commands(own_part.SaveProtection, own_part.save_protection)
handlers.commands(own_part.SubmitForm, own_part.submit_form)
handlers.commands(own_part.ReopenForm, own_part.reopen_form)
handlers.commands(leaving.Leave, leaving.leave)
handlers.commands(leaving.AskToBeContactedAlone, leaving.ask_to_be_contacted_alone)
handlers.commands(leaving.OpenForOneAlone, leaving.open_for_one_alone)
handlers.commands(attention.TakeUp, attention.take_up)
handlers.commands(attention.Deliver, attention.deliver)

handlers.due(gate.GATE, gate.GateDue)
handlers.due(gate.CLOSING, ending.ClosingDue)
handlers.due(gate.PURGE, ending.PurgeDue)
handlers.due(tries.FORGET_TRIES, tries.ForgetTries)
handlers.works(ending.DESTROY_KEYS, work.destroy_keys, after_crash=AfterCrash.AGAIN)
handlers.works(joining.FORGET_TICKET, work.forget_ticket, after_crash=AfterCrash.AGAIN)
handlers.works(leaving.TAKE_IN, work.take_in, after_crash=AfterCrash.AGAIN)
handlers.works(ALARM, work.alarm, after_crash=AfterCrash.AGAIN)

handlers.results(gate.GateDue, gate.open_the_gate)
handlers.results(ending.ClosingDue, ending.close)
handlers.results(ending.PurgeDue, ending.purge)
handlers.results(ending.KeysDestroyed, ending.forget)
handlers.results(joining.TakenIn, joining.take_in)
handlers.results(joining.ForgetTicket, joining.forget_ticket)
handlers.results(tries.ForgetTries, tries.forget_tries)

"""Every path of the API, with the permission it asks for. Deny by default: what is not here does not exist."""

from contact_center.api.framework import Route
from contact_center.api.handlers import (
    account,
    admin,
    audit,
    board,
    channels,
    console,
    contacts,
    entries,
    feed,
    hooks,
    hours,
    imports,
    ledger,
    organizations,
    search,
    system,
    tickets,
    webhooks,
)
from contact_center.api.permissions import Permission as P

V1 = "/api/v1"

ROUTES: list[Route] = [
    # Signing in.
    Route("POST", f"{V1}/session", account.log_in, P.PUBLIC, 201),
    Route("POST", f"{V1}/first-login", account.first_log_in, P.PUBLIC, 201),
    Route("POST", f"{V1}/invitations/accept", account.accept_invitation, P.PUBLIC, 201),
    Route("DELETE", f"{V1}/session", account.log_out, P.SELF, 204),
    # One's own account.
    Route("GET", f"{V1}/me", account.me, P.SELF),
    Route("PATCH", f"{V1}/me", account.change_me, P.SELF),
    Route("POST", f"{V1}/me/password", account.change_password, P.SELF, 204),
    Route("GET", f"{V1}/me/devices", account.devices, P.SELF),
    Route("DELETE", f"{V1}/me/devices/{{session_id}}", account.revoke_device, P.SELF, 204),
    Route("GET", f"{V1}/me/tokens", account.tokens, P.SELF),
    Route("POST", f"{V1}/me/tokens", account.create_token, P.SELF, 201),
    Route("DELETE", f"{V1}/me/tokens/{{token_id}}", account.revoke_token, P.SELF, 204),
    # The console.
    Route("GET", f"{V1}/snapshot", console.snapshot, P.TICKETS_READ),
    Route("GET", f"{V1}/events", feed.events, P.EVENTS_READ),
    Route("GET", f"{V1}/search", search.search, P.TICKETS_READ),
    # Tickets.
    Route("GET", f"{V1}/tickets", tickets.list_tickets, P.TICKETS_READ),
    Route("GET", f"{V1}/tickets/{{ticket_id}}", tickets.get_ticket, P.TICKETS_READ),
    Route("PATCH", f"{V1}/tickets/{{ticket_id}}", tickets.change_ticket, P.TICKETS_WRITE),
    Route("POST", f"{V1}/tickets/{{ticket_id}}/replies", tickets.reply, P.TICKETS_WRITE, 201, once=True),
    Route("POST", f"{V1}/tickets/{{ticket_id}}/notes", tickets.add_note, P.TICKETS_WRITE, 201, once=True),
    # Entries of the history.
    Route("GET", f"{V1}/entries/{{entry_id}}/body", entries.get_body, P.TICKETS_READ),
    Route("GET", f"{V1}/entries/{{entry_id}}/html", entries.get_html, P.TICKETS_READ),
    Route("GET", f"{V1}/entries/{{entry_id}}/original", entries.get_original, P.TICKETS_READ),
    Route("POST", f"{V1}/entries/{{entry_id}}/call-back", tickets.call_back, P.TICKETS_WRITE),
    Route("POST", f"{V1}/entries/{{entry_id}}/send-again", tickets.send_again, P.TICKETS_WRITE),
    Route("POST", f"{V1}/entries/{{entry_id}}/confirm-sent", tickets.confirm_sent, P.TICKETS_WRITE),
    Route("POST", f"{V1}/entries/{{entry_id}}/move", contacts.move_entry, P.TICKETS_WRITE),
    Route("POST", f"{V1}/tickets/{{ticket_id}}/move", contacts.move_ticket, P.TICKETS_WRITE),
    Route("POST", f"{V1}/attachments", entries.upload, P.TICKETS_WRITE, 201, raw_body=True),
    Route("GET", f"{V1}/attachments/{{attachment_id}}", entries.get_attachment, P.TICKETS_READ),
    # Contacts.
    Route("GET", f"{V1}/contacts", contacts.list_contacts, P.CONTACTS_READ),
    Route("GET", f"{V1}/contacts/candidates", contacts.list_candidates, P.CONTACTS_READ),
    Route("GET", f"{V1}/contacts/{{contact_id}}", contacts.get_contact, P.CONTACTS_READ),
    Route("PATCH", f"{V1}/contacts/{{contact_id}}", contacts.change_contact, P.CONTACTS_WRITE),
    Route("GET", f"{V1}/contacts/{{contact_id}}/timeline", contacts.get_timeline, P.CONTACTS_READ),
    Route("GET", f"{V1}/contacts/{{contact_id}}/tickets", contacts.get_tickets, P.CONTACTS_READ),
    Route("POST", f"{V1}/contacts/{{contact_id}}/points", contacts.add_point, P.CONTACTS_WRITE, 201),
    Route("DELETE", f"{V1}/contacts/{{contact_id}}/points/{{point_id}}", contacts.remove_point, P.CONTACTS_WRITE),
    Route("PATCH", f"{V1}/contacts/{{contact_id}}/points/{{point_id}}", contacts.mark_point, P.CONTACTS_WRITE),
    Route("GET", f"{V1}/contacts/{{contact_id}}/points/{{point_id}}/holders", contacts.get_holders, P.CONTACTS_READ),
    Route("GET", f"{V1}/contacts/{{contact_id}}/candidates", contacts.get_candidates, P.CONTACTS_READ),
    Route("POST", f"{V1}/contacts/{{contact_id}}/distinct", contacts.dismiss_candidate, P.CONTACTS_WRITE, 204),
    Route("GET", f"{V1}/contacts/{{contact_id}}/organizations", organizations.suggested, P.CONTACTS_READ),
    Route("POST", f"{V1}/contacts/{{contact_id}}/merges", contacts.merge, P.CONTACTS_WRITE, 201, once=True),
    Route("POST", f"{V1}/contacts/{{contact_id}}/merges/{{merge_id}}/undo", contacts.undo_merge, P.CONTACTS_WRITE),
    Route("GET", f"{V1}/contacts/{{contact_id}}/openings", audit.get_openings, P.AUDIT),
    # Organizations.
    Route("GET", f"{V1}/organizations", organizations.list_organizations, P.CONTACTS_READ),
    Route("POST", f"{V1}/organizations", organizations.create_organization, P.CONTACTS_WRITE, 201, once=True),
    Route("GET", f"{V1}/organizations/{{organization_id}}", organizations.get_organization, P.CONTACTS_READ),
    Route("PATCH", f"{V1}/organizations/{{organization_id}}", organizations.change_organization, P.CONTACTS_WRITE),
    Route("GET", f"{V1}/organizations/{{organization_id}}/contacts", organizations.get_people, P.CONTACTS_READ),
    # The board.
    Route("GET", f"{V1}/board", board.get_board, P.BOARD),
    # Imports of contacts: whatever rows say of contacts that only some may see, an admin may see them all.
    Route("GET", f"{V1}/imports", imports.list_imports, P.ADMIN),
    Route("POST", f"{V1}/imports", imports.upload, P.ADMIN, 201, raw_body=True),
    Route("GET", f"{V1}/imports/{{import_id}}", imports.get_import, P.ADMIN),
    Route("PATCH", f"{V1}/imports/{{import_id}}", imports.change_import, P.ADMIN),
    Route("GET", f"{V1}/imports/{{import_id}}/preview", imports.preview, P.ADMIN),
    Route("POST", f"{V1}/imports/{{import_id}}/check", imports.check, P.ADMIN),
    Route("POST", f"{V1}/imports/{{import_id}}/run", imports.run, P.ADMIN),
    Route("POST", f"{V1}/imports/{{import_id}}/cancel", imports.cancel, P.ADMIN),
    Route("GET", f"{V1}/imports/{{import_id}}/rows", imports.get_rows, P.ADMIN),
    # The ledger.
    Route("GET", f"{V1}/books", ledger.books, P.QUARANTINE),
    Route("GET", f"{V1}/quarantine", ledger.quarantine, P.QUARANTINE),
    Route("POST", f"{V1}/quarantine/{{item_id}}/retry", ledger.retry, P.QUARANTINE),
    Route("GET", f"{V1}/quarantine/{{item_id}}/original", ledger.original, P.QUARANTINE),
    Route("GET", f"{V1}/spool", ledger.spool, P.TICKETS_READ),
    Route("GET", f"{V1}/spool/{{spool_id}}", ledger.spooled_mail, P.TICKETS_READ),
    # Set-up.
    Route("GET", f"{V1}/users", admin.users, P.TICKETS_READ),
    Route("POST", f"{V1}/users", admin.create_user, P.ADMIN, 201),
    Route("PATCH", f"{V1}/users/{{user_id}}", admin.change_user, P.ADMIN),
    Route("POST", f"{V1}/users/{{user_id}}/invitation", admin.invite_again, P.ADMIN, 201),
    Route("GET", f"{V1}/queues", admin.queues, P.TICKETS_READ),
    Route("POST", f"{V1}/queues", admin.create_queue, P.ADMIN, 201),
    Route("PATCH", f"{V1}/queues/{{queue_id}}", admin.change_queue, P.ADMIN),
    Route("GET", f"{V1}/calendars", hours.calendars, P.ADMIN),
    Route("POST", f"{V1}/calendars", hours.create_calendar, P.ADMIN, 201),
    Route("PATCH", f"{V1}/calendars/{{calendar_id}}", hours.change_calendar, P.ADMIN),
    Route("POST", f"{V1}/calendars/preview", hours.preview, P.ADMIN),
    Route("GET", f"{V1}/holiday-regions", hours.holiday_regions, P.ADMIN),
    Route("GET", f"{V1}/channel-kinds", channels.kinds, P.ADMIN),
    Route("GET", f"{V1}/channels", channels.list_channels, P.ADMIN),
    Route("POST", f"{V1}/channels", channels.create_channel, P.ADMIN, 201),
    Route("PATCH", f"{V1}/channels/{{channel_id}}", channels.change_channel, P.ADMIN),
    Route("GET", f"{V1}/audit", audit.list_entries, P.ADMIN),
    # Webhooks that we send.
    Route("GET", f"{V1}/webhooks", webhooks.list_webhooks, P.ADMIN),
    Route("POST", f"{V1}/webhooks", webhooks.create_webhook, P.ADMIN, 201),
    Route("PATCH", f"{V1}/webhooks/{{webhook_id}}", webhooks.change_webhook, P.ADMIN),
    Route("DELETE", f"{V1}/webhooks/{{webhook_id}}", webhooks.delete_webhook, P.ADMIN, 204),
    Route("POST", f"{V1}/webhooks/{{webhook_id}}/secret", webhooks.rotate_secret, P.ADMIN, 201),
    Route("POST", f"{V1}/webhooks/{{webhook_id}}/test", webhooks.send_test, P.ADMIN, 201),
    Route("POST", f"{V1}/webhooks/{{webhook_id}}/replay", webhooks.replay, P.ADMIN),
    Route("GET", f"{V1}/webhooks/{{webhook_id}}/deliveries", webhooks.list_deliveries, P.ADMIN),
    Route("POST", f"{V1}/webhooks/{{webhook_id}}/deliveries/{{delivery_id}}/replay", webhooks.replay_delivery, P.ADMIN),
    # Pictures for sandboxed frames, by signed address.
    Route("GET", "/media/attachments/{attachment_id}", entries.signed_attachment, P.PUBLIC),
    Route("GET", "/media/remote", entries.remote_image, P.PUBLIC),
    # For machines.
    Route("GET", "/healthz", system.healthz, P.PUBLIC),
    Route("GET", "/readyz", system.readyz, P.PUBLIC),
    Route("GET", "/metrics", system.metrics, P.PUBLIC),
    Route("GET", "/api/openapi.json", system.openapi_document, P.PUBLIC),
]

# Requests from outside to a channel account: webhooks of providers, public forms. What they take and answer is the
# channel's own, so they are no part of the API document.
HOOKS: list[Route] = [
    Route("GET", "/hooks/{door}", hooks.hook, P.PUBLIC),
    Route("GET", "/hooks/{door}/{rest:.*}", hooks.hook, P.PUBLIC),
    Route("POST", "/hooks/{door}", hooks.hook, P.PUBLIC, raw_body=True, from_anywhere=True),
    Route("POST", "/hooks/{door}/{rest:.*}", hooks.hook, P.PUBLIC, raw_body=True, from_anywhere=True),
]

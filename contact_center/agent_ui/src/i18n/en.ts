export default {
  views: { open: "Open", mine: "Mine", unassigned: "Unassigned", waiting: "Waiting", resolved: "Resolved", all: "All" },
  nav: { board: "Board", tickets: "Tickets", people: "People", setup: "Set-up", account: "My account", search: "Search and commands", queues: "Queues", help: "Keyboard shortcuts", signOut: "Sign out" },
  board: {
    title: "Board", live: "live", stale: "Figures of {time}: not up to date", noFigures: "No figures yet", wall: "Full screen", leave: "Leave full screen", all: "All queues", waiting: "waiting", oldest: "longest wait", inWork: "in work", answered: "answered / came today", answeredShort: "Answered / came", here: "colleagues here",
    queues: "Queues", agents: "Colleagues", callbacks: "Callbacks", since: "here since {time}", away: "not here",
  },
  status: { open: "Open", waiting: "Waiting for customer", resolved: "Resolved", closed: "Closed" },
  priority: { low: "Low", normal: "Normal", high: "High", urgent: "Urgent" },
  role: { agent: "Agent", supervisor: "Supervisor", admin: "Administrator" },
  kind: { email: "E-mail", note: "Private note", change: "Change", sms: "Text message", telephony: "Calls", web_form: "Web form" },
  call: {
    title: "Call", wait: "waited", talk: "talked", queue: "queue", with: "with", number: "to",
    result: { answered: "Answered", missed: "Missed", abandoned: "Hung up while waiting", busy: "Busy", failed: "Failed", no_answer: "Nobody answered", timeout: "Waited too long", ringing: "Ringing", transferred: "Transferred", rejected: "Rejected", unknown: "Outcome unknown", pbx_restart: "Cut off: the telephone system restarted" },
  },
  form: { came: "Where they came from", utm_source: "Source", utm_medium: "Medium", utm_campaign: "Campaign", utm_content: "Content", utm_term: "Term", referrer: "Referrer", page: "Page", client_id: "Analytics ID", visit_code: "Visit code" },
  list: {
    count: "no tickets | {n} ticket | {n} tickets", waiting: "waiting {time}", search: "Filter by words or number", fresh: "{n} new above | {n} new above",
    emptyTitle: "Nothing here", empty: "Tickets of this view will appear by themselves, as soon as there are any.",
    emptyMine: "Nothing is assigned to you. Take something from Unassigned with the key {key}.", noMatch: "Nothing matches “{words}”.", you: "You",
  },
  first: {
    title: "Send the first mail", text: "Nothing has arrived yet. The embedded mail receiver is waiting on this machine. Send a mail from a terminal, and watch it appear here:",
    real: "Or connect a real mailbox under Set-up → Channels.", copy: "Copy", copied: "Copied",
  },
  ticket: {
    none: "No ticket selected", noneHint: "Choose one on the left, or press {key} to search.", number: "Ticket #{number}", assignee: "Assignee", unassigned: "Nobody", assignMe: "Take it",
    queue: "Queue", status: "Status", resolve: "Resolve", reopen: "Reopen", tags: "Tags", addTag: "Add tag", removeTag: "Remove tag {tag}", followUp: "Continues #{number}", possibleFollowUp: "Possible follow-up of another ticket",
    waiting: "Customer waits {time}", noSubject: "(no subject)", more: "More actions", back: "Back to the list", person: "Show person", gone: "This ticket is no longer yours to see.", priority: "Priority",
  },
  entry: {
    you: "you", unknown: "Unknown sender", showFolded: "Show quoted text", hideFolded: "Hide quoted text", html: "Original layout", plain: "Plain text", images: "Load remote pictures",
    original: "Download original", more: "Show all", less: "Show less", automatic: "automatic", stub: "An entry in a confidential queue", attachments: "{n} attachment | {n} attachments", to: "to {names}", cc: "cc {names}",
    other: "in ticket #{number}", hideOthers: "Only this ticket", showOthers: "Whole history", older: "Load earlier entries", beginning: "The beginning of this history", below: "{n} new below | {n} new below", today: "Today", yesterday: "Yesterday",
    truncated: "This text goes on.", download: "Download {name}", frame: "Mail in its original layout",
  },
  delivery: {
    queued: "Sending…", held: "Goes out in {n} s", leased: "Sending…", sent: "Sent", spooled: "In the outgoing spool", delivered: "Delivered", bounced: "Came back", failed: "Not sent", uncertain: "Unknown whether it went out", cancelled: "Called back",
    again: "Send again", arrived: "It did arrive", retrying: "Retrying: {error}",
  },
  change: {
    status: "{who} set the status to {after}", assignee_id: "{who} assigned this to {after}", unassigned: "{who} unassigned this", queue_id: "{who} moved this to {after}", priority: "{who} set the priority to {after}", subject: "{who} renamed this “{after}”", tags: "{who} set the tags to {after}", noTags: "{who} removed the tags", system: "The system",
  },
  composer: {
    reply: "Reply", note: "Private note", replyTo: "To {names}", replyPlaceholder: "Write to {name}…", notePlaceholder: "Only colleagues see this…", send: "Send", sendResolve: "Send and resolve", addNote: "Add note", attach: "Attach a file", cc: "Copy", ccHint: "Addresses, separated by commas", sending: "Sending…",
    undo: "Undo", willSend: "Reply goes out in a moment", calledBack: "Called back. Your text is in the composer.", noteAdded: "Note added", removeFile: "Remove {name}", tooLate: "Too late: the reply is on its way.", noChannel: "This ticket came by no channel that can be answered.", emptyText: "Write something first.", channel: "Answer by", segments: "{n} part, {left} left | {n} parts, {left} left", optedOut: "This person asked for no more messages by this channel.",
  },
  person: {
    title: "Person", provisional: "unconfirmed", provisionalHint: "Made from an unknown address. Give it a name to confirm it.", points: "Reached by", verified: "Verified: an answer to our reply came from here", unverified: "Not verified: a sender can be forged", bounced: "Our last mail came back", addPoint: "Add address or phone", email: "E-mail", phone: "Phone",
    note: "Pinned note", notePlaceholder: "What everybody should know about this person", tickets: "Tickets", merge: "Same person as…", mergeTitle: "Join with another contact", mergeText: "Everything of the other contact moves here. You can undo it at any time.", mergeSearch: "Name, address or phone", merged: "Joined with {name}", undoMerge: "Undo", undone: "Taken apart again", since: "Known since {date}", noName: "No name", rename: "Rename", remove: "Remove {value}", shared: "shared", other: "That address belongs to another contact. Join the two?", noOne: "Nobody found",
  },
  search: {
    title: "Search", placeholder: "Words, a number, a phone, an address…", filters: "Limit the entries", entries: "In the history", more: "Show more", all: "Everything found for “{words}”", text: "History",
    kind: "Channel", anyKind: "Any channel", direction: "Direction", anyDirection: "Both directions", in: "From the customer", out: "From us", internal: "Among us", anyQueue: "Any queue", from: "from", to: "to", files: "With files", by: "by {name}", onlyPerson: "Only in this person's history", everybody: "Search everybody again",
    nothing: "Nothing found", nothingHint: "Try fewer words or the beginning of one, another form, or take a filter away. Confidential entries you may not read are never found.", making: "The index is being made. Not everything can be found yet.", behind: "{n} newest change cannot be found yet | {n} newest changes cannot be found yet",
    teachTitle: "Find anything that was ever said", teach1: "a word in any form, Russian or English; the last one may be unfinished", teach2: "an order number, however it is written", teach3: "words that stand together", teach4: "a phone number in any spelling", teach5: "an address or a part of it", teach6: "a ticket by its number",
  },
  palette: { placeholder: "Search everything, or type a command", tickets: "Tickets", people: "People", commands: "Commands", nothing: "Nothing found", theme: "Switch theme", language: "Русский", density: "Switch density" },
  keys: { title: "Keyboard shortcuts", next: "Next ticket", previous: "Previous ticket", reply: "Reply", note: "Private note", channel: "Answer by another channel", assign: "Assign", take: "Assign to me", resolve: "Resolve or reopen", search: "Search and commands", help: "This sheet", filter: "Filter the list", send: "Send", goOpen: "Go to Open", goMine: "Go to Mine", goUnassigned: "Go to Unassigned", others: "Hide other tickets", note2: "Keys are meant by their place on the keyboard, so they work in every layout.", off: "Single letters are switched off", on: "Single-letter keys" },
  line: { lost: "No connection since {time}. What you see may be out of date; your drafts are safe.", back: "Connected again", signedOut: "You were signed out.", signIn: "Sign in" },
  login: { title: "Sign in", email: "Mail address", password: "Password", submit: "Sign in", firstTitle: "Welcome", firstText: "Make the first administrator. This link works once.", name: "Your name", create: "Create and sign in", invitationTitle: "Choose a password", accept: "Save and sign in", atLeast: "At least 10 characters", noLink: "The link is not complete. Open it exactly as it was given to you." },
  account: { title: "My account", profile: "Profile", name: "Name", save: "Save", saved: "Saved", password: "Password", current: "Current password", new: "New password", change: "Change password", devices: "Signed in on", thisDevice: "this device", end: "End", lastSeen: "used {time}", tokens: "API tokens", tokenName: "Name", makeToken: "Make token", tokenOnce: "Copy it now; it is not shown again.", noTokens: "No tokens yet.", expires: "until {date}", never: "without end", appearance: "Appearance", language: "Language", theme: "Theme", system: "As the system", light: "Light", dark: "Dark", density: "Density", comfortable: "Comfortable", compact: "Compact" },
  setup: {
    title: "Set-up", users: "People", queues: "Queues", channels: "Channels", hook: "Address for requests:", openForm: "Open the form", kindOf: "Kind of channel", quarantine: "Quarantine", spool: "Outgoing spool", add: "Add", save: "Save", cancel: "Cancel", edit: "Edit", name: "Name", email: "Mail address", role: "Role", disabled: "switched off", enable: "Switch on", disable: "Switch off",
    invite: "New link", linkFor: "One-time link for {name}", linkText: "Give it to them by a safe way. It works once, for three days.", confidential: "Confidential", confidentialHint: "People without access see only that something is there.", access: "Access to queues", noPassword: "has not signed in yet",
    address: "Address", queue: "Queue", checking: "Trying the connection…", tryFirst: "The connection is tried before anything is saved.", secretKept: "stored; leave empty to keep", books: "received {received} · stored {stored} · duplicate {duplicate} · ignored {ignored} · quarantined {quarantined} · in flight {flight}",
    quarantineEmpty: "Nothing is in quarantine. Mails that cannot be understood are kept here with their original.", retry: "Try again", original: "Original", spoolEmpty: "Nothing was written to the spool. Replies of mailboxes without a mail server end up here.", download: "Download", received: "received {time}",
    health: { starting: "starting", ok: "working", unavailable: "cannot be reached", auth_failed: "password refused", misconfigured: "settings do not work", stopped: "switched off" },
  },
  people: { title: "People", search: "Name, address or phone", empty: "Nobody yet. People appear by themselves when they write." },
  time: { now: "now" },
  error: { title: "That did not work", retry: "Try again" },
};

// Skills, channels, contact reasons and the writing up of what was answered.
export default {
  search: "A few letters", nothing: "Nothing with these words.", clear: "None",
  reason: "Contact reason", disposition: "Disposition", wrap: "Write up: {who}", left: "{n} second left | {n} seconds left", done: "Done",
  wrapSeconds: "Wrap-up, seconds", wrapSecondsHint: "Whoever has answered is offered nothing for so long, and says what it was about; 0: no wrap-up", wantsReason: "with a contact reason", wantsDisposition: "with a disposition",
  reasons: "Contact reasons", reasonsHint: "Why customers turn to us: three levels at most. Set in a ticket, or when it is written up.", below: "Below “{name}”", top: "At the top instead",
  dispositions: "Dispositions", dispositionsHint: "What came of it, said when a turn is written up.",
  skills: "Skills", skill: "Skill", skillsHint: "What some can do and others cannot: a language, a product.", retired: "Counts no more", noSkills: "There are no skills yet.", whoCan: "Who can do what, from 1 to 10", whatQueues: "What queues ask for", colleague: "Colleague", picks: "people pick here", relax: "Minutes of waiting after which one level less will do", relaxHint: "Beside a level: minutes of waiting after which one level less will do; 0: never. In the end anybody in the queue may.", minutes: "min",
  could: "can take", couldHelp: "Colleagues who could be offered something of this queue now: available, with room, and with the skills it asks for. Red: something waits, and nobody could.",
  move: "Move {who}", moveUntil: "To {queue} until the end of the shift", moveForGood: "To {queue} for good", forGood: "For good", back: "Back to their own queues", standsIn: "{queue} until {time}", isOffered: "is offered something of {queue}", inCall: "in a call for {since}", writesUp: "writes up", holds: "What {who} has in hand", after: "what waits longer than {n} min", atOnce: "everything, at once",
  takes: "Offer me: {channel}", takesHe: "Offer: {channel}",
};

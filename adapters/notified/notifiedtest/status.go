package notifiedtest

// Statuses that the vendor's text of opcode M names.
const (
	StatusOK            = 0
	StatusUserNotFound  = 71
	StatusNotRegistered = 72
)

// Statuses that other public pages and public code of others name: 44 for opcode R, 76 for T. That
// other opcodes answer them too is a guess.
const (
	StatusAlreadyRegistered  = 44
	StatusEventNotFound      = 51
	StatusDisplayItemMissing = 76
)

// Guesses: the vendor's text names no status for these. The numbers are the sandbox's own, far from the
// platform's, and must not be relied on.
const (
	// GuessStatusBadParameter: a parameter of the opcode is missing, malformed
	// or too long.
	GuessStatusBadParameter = 90001
	// GuessStatusNotInPackage: an add-on does not belong to the package that the user is registered
	// for.
	GuessStatusNotInPackage = 90002
	// GuessStatusOtherPackage: an add-on refers to another package.
	GuessStatusOtherPackage = 90003
	// GuessStatusPresent: an add-on is there already, and [Config.ReAdd] is [RefusePresent].
	GuessStatusPresent = 90004
	// GuessStatusUserExists: opcode I should create a person who exists already.
	GuessStatusUserExists = 90005
	// GuessStatusIDTaken: another person has the ExternalUserID.
	GuessStatusIDTaken = 90006
	// GuessStatusNoPackage: the show has no such package.
	GuessStatusNoPackage = 90007
	// GuessStatusClosed and GuessStatusFull: the package accepts no further person.
	GuessStatusClosed = 90008
	GuessStatusFull   = 90009
	// GuessStatusNoRegistrationNeeded: K or A asks about a registration for a show that is open to all.
	GuessStatusNoRegistrationNeeded = 90010
	// GuessStatusTypeExists: opcode J should make an attendee type that exists already.
	GuessStatusTypeExists = 90011
	// GuessResultBadCall: the APICallResult of a call whose common parameters
	// are missing, malformed, unknown, repeated or too long.
	GuessResultBadCall = 90101
	// GuessResultUnknownOpCode: the APICallResult of a call with an opcode that
	// this sandbox does not know.
	GuessResultUnknownOpCode = 90102
	// GuessResultCredentials and GuessResultShow: the APICallResult of a call with credentials that are
	// refused, and of one of module 50540 for a show that the area does not have. Of both only the
	// diagnostic is known.
	GuessResultCredentials = 90103
	GuessResultShow        = 90104
)

// Diagnostics of calls that fail as a whole. The first two are known from public client code; the last is a guess.
const (
	diagCredentials = "Invalid API Credentials Supplied!"
	diagShow        = "Invalid Show Key Specified!"
	guessDiagLASCmd = "Invalid LASCmd!"
)

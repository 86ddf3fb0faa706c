package notified

// need is what an opcode is called with, beside the person.
type need uint8

const (
	needShow    need = 1 << iota // ShowKey
	needPackage                  // Names.ShowPackageParam
	needKeys                     // AddOnsChangeList
	needProfile                  // Names.FirstNameParam, Names.LastNameParam, EMailAddress
)

// opcode is what this package knows of one.
type opcode struct {
	needs   need
	refuses string // what the platform does not do where it refuses
}

// opcodes are those that may be sent, by their letters, which are
// case-sensitive. M is the vendor's text; the others are known from public pages
// and public code.
var opcodes = [256]opcode{
	'A': {needShow, "to list the add-ons"},
	'C': {needProfile, "the profile"},
	'I': {needProfile, "the new person"},
	'K': {needShow, "to tell the package"},
	'M': {needShow | needKeys, "the add-ons"},
	'N': {needShow | needKeys, "to remove the add-ons"},
	'R': {needShow | needPackage, "the registration"},
	'T': {needShow, "a login ticket"},
	'U': {needProfile, "the profile"},
	'Z': {needShow, "to tell the registration's ID"},
	'r': {needShow | needPackage, "the registration"},
}

// known tells whether it is one that may be sent.
func (o opcode) known() bool { return o.refuses != "" }

// needs is what the opcodes of a list need together.
func needs(codes string) need {
	var all need
	for i := range len(codes) {
		all |= opcodes[codes[i]].needs
	}
	return all
}

package fakehub

// Texts of GitHub's refusals for want of a permission.
const (
	mustAdmin      = "Must have admin rights to Repository."
	mustPushList   = "Must have push access to view repository collaborators."
	mustPushAccess = "Must have push access to view collaborator permission."
)

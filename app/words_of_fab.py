"""Texts of the frameworks that our users can see: listed here so that our catalog translates them, and wins.

Flask-AppBuilder's own Spanish lacks some, gets some wrong ("Sign In" reads "Registrarse" there) and calls a profile
"rol" and a password "contraseña"; Werkzeug's names of HTTP errors have no translation at all.
"""

from models.text import N_

SIGNING_IN = (
    N_("Sign In"),
    N_("Login"),
    N_("Logout"),
    N_("Invalid login. Please try again."),
    N_("Access is Denied"),
    N_("Username"),
    N_("User Name"),
    N_("Enter your login and password below"),
    N_("Welcome"),
)

ACCOUNTS = (
    N_("List Users"),
    N_("Show User"),
    N_("Add User"),
    N_("Edit User"),
    N_("Edit User Information"),
    N_("User info"),
    N_("Personal Info"),
    N_("Audit Info"),
    N_("Your user information"),
    N_("User information changed"),
    N_("First Name"),
    N_("Last Name"),
    N_("Full Name"),
    N_("Email"),
    N_("EMail"),
    N_("Is Active?"),
    N_("Role"),
    N_("Groups"),
    N_("Last login"),
    N_("Login count"),
    N_("Failed login count"),
    N_("Created on"),
    N_("Created by"),
    N_("Changed on"),
    N_("Changed by"),
    N_("Write the user first name or names"),
    N_("Write the user last name"),
    N_("Username valid for authentication on DB or LDAP, unused for OID auth"),
    N_("It's not a good policy to remove a user, just make it inactive"),
    N_("The user's email, this will also be used for OID auth"),
    N_("The user role on the application, this will associate with a list of permissions"),
    N_("Either select a role or a group"),
)

PASSWORDS = (
    N_("Confirm Password"),
    N_("Reset Password"),
    N_("Reset Password Form"),
    N_("Reset my password"),
    N_("Password Changed"),
    N_("Passwords must match"),
    N_("Please rewrite the password to confirm"),
    N_("Please rewrite the user's password to confirm"),
    N_("Please use a good password policy, this application does not check this for you"),
    N_("The user's password for authentication"),
    N_(
        "Must have at least two capital letters, one special character, two digits, three lower case letters and a "
        "minimal length of 10."
    ),
)

PROFILES = (
    N_("List Roles"),
    N_("Show Role"),
    N_("Add Role"),
    N_("Edit Role"),
    N_("Copy Role"),
    N_("Copy the selected roles?"),
    N_("User(s) exists in the role, cannot delete"),
    N_("Permission on Views/Menus"),
    N_("View/Menu"),
)

LISTS_AND_FORMS = (
    N_("Added Row"),
    N_("Changed Row"),
    N_("Deleted Row"),
    N_("Already exists."),
    N_("Associated data exists, please delete them first"),
    N_("Integrity error, probably unique constraint"),
    N_("General Error"),
    N_("Database Error"),
    N_("Invalid file extension"),
    N_("Not a valid date value"),
    N_("This field is required."),
    N_("Record Count"),
    N_("Add a new record"),
    N_("Add Filter"),
    N_("You sure you want to delete this item?"),
)

FILTERS = (
    N_("Not Contains"),
    N_("Not Equal to"),
    N_("Not Starts with"),
    N_("Ends with"),
    N_("Not Ends with"),
    N_("Greater than"),
    N_("Smaller than"),
    N_("In"),
    N_("Not In"),
)

#: The names Werkzeug gives errors for which `app.errors` has no words of its own.
HTTP_ERRORS = (
    N_("Not Acceptable"),
    N_("Request Timeout"),
    N_("Conflict"),
    N_("Gone"),
    N_("Length Required"),
    N_("Precondition Failed"),
    N_("Request URI Too Long"),
    N_("Requested Range Not Satisfiable"),
    N_("Expectation Failed"),
    N_("Unprocessable Entity"),
    N_("Internal Server Error"),
    N_("Not Implemented"),
    N_("Service Unavailable"),
)

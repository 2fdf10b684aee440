"""Who may do what: permissions, profiles, the actor of a request, and what he sees."""

"""Lists of people and documents to look out for: loaded from files, searched when somebody enrols."""

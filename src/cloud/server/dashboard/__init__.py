"""The web view: pages for people, rendered here, on the questions that clients ask."""

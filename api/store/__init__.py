"""What the API keeps of its own: sessions, drafts with consents, operations, replayed answers."""

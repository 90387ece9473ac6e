"""Acts that need consent: what a draft asks for, the typed data that its parties sign, the call that has the effect."""

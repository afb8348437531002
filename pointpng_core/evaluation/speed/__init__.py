"""How long inference and training take, and what memory they need."""

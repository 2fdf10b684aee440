"""What may happen: the only code that changes business state. It knows no Flask request and no HTML."""

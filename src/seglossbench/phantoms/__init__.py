"""Invented patients in the real archive layouts, so that the whole pipeline runs where no data may be had."""

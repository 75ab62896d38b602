"""What is new: one note on the overview, until a person closes it.

For the next news write another `templates/components/news.html` and name it here.
"""

LATEST = "2026-11"

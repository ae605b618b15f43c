"""The report: one page about one run, as HTML and as Markdown, from plain values.

Nothing here or below imports matplotlib, scikit-learn, TensorFlow or NumPy: a run that is cached from end to end still
gets a fresh page, and pays nothing for it. The pictures arrive as PNG bytes (`plots.py` draws them).
"""

from tasks.pure.page_content import Page
from tasks.pure.page_html import data_html, html
from tasks.pure.page_markdown import markdown
from tasks.pure.page_verdict import verdict

__all__ = ["Page", "data_html", "html", "markdown", "verdict"]

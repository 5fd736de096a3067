"""Words get onto a page as words, wherever they stand, and come back out of it as they were."""

from html.parser import HTMLParser

from markupsafe import Markup

from seglossbench.reporting.elements import joined, table, tag

EVIL = """"'><script>alert(1)</script>&lt;<b onclick=x>"""


class Read(HTMLParser):
    """The elements, attributes and words that a browser finds."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.attributes, self.words = [], {}, ""
        self.feed(str(text))
        self.close()

    def handle_starttag(self, name, attributes):
        self.elements.append(name)
        self.attributes |= dict(attributes)

    def handle_data(self, text):
        self.words += text


def test_an_element_holds_words_and_attributes_that_are_no_markup():
    read = Read(tag("td", EVIL, title=EVIL, data_loss=EVIL))
    assert read.elements == ["td"]
    assert read.attributes == {"title": EVIL, "data-loss": EVIL}
    assert read.words == EVIL


def test_joined_words_are_no_markup():
    read = Read(joined([EVIL, tag("i", "a")]))
    assert read.elements == ["i"]
    assert read.words == f"{EVIL}\na"


def test_the_heads_and_the_label_of_a_table_are_no_markup():
    read = Read(table([EVIL], [tag("tr", tag("td", EVIL))], label=EVIL))
    assert set(read.elements) <= {"div", "table", "thead", "tbody", "tr", "th", "td"}
    assert read.words == EVIL * 2
    assert EVIL in read.attributes.values()


def test_what_was_made_of_elements_is_not_escaped_again():
    assert tag("p", tag("b", "a")) == Markup("<p><b>a</b></p>")

"""Words in which the desk's record notes what a peer has said."""

from domain.words.text import Text

RATED_TEXTS = {
    True: Text("对接方回访：满意", "the peer asked the user: satisfied"),
    False: Text("对接方回访：不满意", "the peer asked the user: not satisfied"),
}
CLOSED_THERE = Text("对接方已办结", "closed at the peer")
WITHDRAWN_THERE = Text("对接方已撤单", "withdrawn by the peer")

"""Answer greetings and thanks without a search: neither is a question about the documents."""

from __future__ import annotations

import re
import time

from rag.messages import say
from rag.schema import Answer, Status, Timing
from rag.text.folding import fold
from rag.text.language import answer_language, question_language

_GREETING = re.compile(
    r"(?:(?:hi|hello|hey|hiya|greetings|salam|salaam|assalamu? alaikum|as-salamu alaykum|marhaba|ahlan"
    r"|good (?:morning|afternoon|evening|day)|how are you(?: doing)?(?: today)?|how is it going|nice to meet you"
    r"|(?:و?السلام|سلام) (?:عليكم|عليكو)(?: ورحمه الله)?(?: وبركاته)?|سلام|مرحبا(?: بك| بكم)?|مراحب|اهلا(?: وسهلا)?|اهلين|هلا(?: والله)?"
    r"|هاي|هلو|يا ?هلا|صباح (?:الخير|النور)|مساء (?:الخير|النور)|تحيه طيبه|كيف (?:حالك|الحال|حالكم)|كيفك|شلونك|ازيك|عامل ايه|شخبارك"
    r"|لاباس|واش راك|all|there|everyone|team|dear|friend|bot|shawahid|شواهد|يا شواهد|جميعا)[ ,،.!؟?]*)+"
)
_ONLY_ADDRESSED = re.compile(r"(?:(?:all|there|everyone|team|dear|friend|bot|shawahid|شواهد|يا شواهد|جميعا)[ ,،.!؟?]*)+")
_THANKS = re.compile(
    r"(?:(?:(?:ok|okay|great|perfect|good|nice|wonderful|excellent|تمام|ممتاز|رايع|جميل|حلو|طيب|اوكي|زين|كويس|جيد)[ ,،.!]*)*)"
    r"(?:(?:(?:many )?thanks(?: a lot| so much| very much| again)?|thank you(?: so much| very much| again)?|thx|ty|cheers|much appreciated"
    r"|شكرا(?: لك| لكم| جزيلا| كثيرا| جدا| ليك)*|مشكور(?:ين|ه)?|تسلم(?:ي|وا)?|يسلمو|يعطيك العافيه|جزاك الله خيرا?|الف شكر|متشكر|ممنون"
    r"|بارك الله فيك|يعيشك|يعطيك الصحه)(?: shawahid| bot| شواهد| for your help| for the help| علي المساعده)?[ ,،.!]*)+"
)


def greeting_answer(question: str) -> Answer | None:
    """Return the answer to a greeting or to thanks, in the language of the asker; None to anything that asks more."""
    started = time.perf_counter()
    said = " ".join(fold(question).split())
    if _THANKS.fullmatch(said):
        key = "answer.thanks"
    elif _GREETING.fullmatch(said) and not _ONLY_ADDRESSED.fullmatch(said):
        key = "answer.greeting"
    else:
        return None
    language = answer_language(question_language(question))
    timing = Timing(total=time.perf_counter() - started)
    return Answer(question, say(key, language), language, Status.ANSWERED, (), (), (), (), "", question, 1.0, timing)

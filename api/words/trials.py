"""The texts of trials of a policy. Every key of a page begins with `trial_`."""

from domain.words.text import Text

TRIAL_BUSY = Text("另一次试算正在进行，请稍后再试", "another trial is under way; try again soon")
TRIAL_SLOW = Text("数据太多，未能算完；请缩短时间", "there was too much to read; take a shorter span")
TRIAL_SPAN = Text(
    "须在起始日之后、不晚于今天，且最多 {days} 天",
    "is after the first day, not after today, and {days} days later at most",
)
TRIAL_DELETED = Text("那时的读数已删除；最早从 {day} 起", "readings of then were deleted; the first day is {day}")
TRIAL_NOTHING = Text("请给出规则文件，或至少改一个数", "give a policy, or change a number")
TRIAL_TOO_MUCH = Text("规则的版本、阈值或供热季太多，无法试算", "has too many versions, limits or seasons to be tried")

"""The texts of files of tickets on the pages of the staff."""

from collections.abc import Mapping

from domain.words.text import Text

FILE_WORDS: Mapping[str, Text] = {
    "desk_file_photo": Text("照片", "Photo"),
    "desk_file_signature": Text("用户签名", "Signature of the user"),
    "desk_file_scan": Text("扫描件", "Scan"),
    "desk_file_add": Text("添加照片或文件", "Add a photo or a paper"),
    "desk_file_which": Text("照片、图片或 PDF，最大 8 MB", "A photo, an image or a PDF, 8 MB at most"),
    "desk_file_kind": Text("类型", "What it is"),
    "desk_file_for_user": Text("用户可以看到", "The user may see it"),
    "desk_file_send": Text("上传", "Send"),
}

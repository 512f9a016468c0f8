"""Texts of applications for heat."""

from collections.abc import Mapping

from domain.applications import ApplicationKind, Document
from domain.words.text import Text

KIND_TEXTS: Mapping[ApplicationKind, Text] = {
    ApplicationKind.CONNECT: Text("申请用热", "connection"),
    ApplicationKind.CHANGE_NAME: Text("变更户名", "change of name"),
    ApplicationKind.CHANGE_AREA: Text("变更面积", "change of area"),
    ApplicationKind.STOP: Text("申请停热", "stop of heat"),
    ApplicationKind.RESUME: Text("申请复热", "heat again"),
    ApplicationKind.NEW_LOAD: Text("新增热负荷", "new load"),
}
DOCUMENT_TEXTS: Mapping[Document, Text] = {
    Document.IDENTITY: Text("身份证明", "proof of identity"),
    Document.OWNERSHIP: Text("房屋产权证明", "proof of ownership"),
    Document.DRAWINGS: Text("采暖图纸", "drawings of the heating"),
    Document.APPROVAL: Text("建设批准文件", "building permit"),
    Document.FEES: Text("缴费凭证", "receipts of fees"),
    Document.OTHER: Text("其他资料", "other papers"),
}

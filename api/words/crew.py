"""The texts of a crew's pages. States, clocks and forms are those of the desk (api/words/desk.py)."""

from collections.abc import Mapping

from domain.words.text import Text

CREW_WORDS: Mapping[str, Text] = {
    "crew_app": Text("供热班组", "Heating crew"),
    "crew_app_short": Text("班组", "Crew"),
    "crew_title": Text("我的任务", "My jobs"),
    "crew_mine": Text("我的", "Mine"),
    "crew_others": Text("本站其他未完成", "Also open at the station"),
    "crew_station": Text("供热站：{station}", "Station: {station}"),
    "crew_none_mine": Text("没有由您负责的任务。", "No job is yours."),
    "crew_none": Text("本站没有未完成的任务。", "Nothing else is open at the station."),
    "crew_more": Text("仅显示前 {n} 项。", "Only the first {n} are shown."),
    "crew_with": Text("{name} 负责", "with {name}"),
    "crew_visit_at": Text("约定 {at}", "visit at {at}"),
    "crew_back": Text("返回任务", "All jobs"),
    "crew_next": Text("下一步", "Next"),
    "crew_all_moves": Text("其他操作", "More"),
    "crew_call": Text("联系用户", "Call the user"),
    "crew_call_show": Text("显示电话", "Show the number"),
    "crew_way": Text("导航", "Find the way"),
    "crew_way_geo": Text("手机地图", "Map"),
    "crew_way_amap": Text("高德地图", "Amap"),
    "crew_way_baidu": Text("百度地图", "Baidu Maps"),
    "crew_way_none": Text("没有登记坐标和地址。", "No coordinates and no address are on record."),
    "crew_reported": Text("用户说", "The user said"),
    "crew_now": Text("现在室温", "The home now"),
    "crew_photo": Text("拍照", "Photo"),
    "crew_photo_which": Text("照片", "Picture"),
    "crew_measure": Text("上门测温", "Measure"),
    "crew_field_room_kind": Text("房间类型", "Kind of room"),
    "crew_field_room": Text("房间名称", "Name of the room"),
    "crew_field_celsius": Text("室温 ℃", "Temperature °C"),
    "crew_field_instrument": Text("测温仪器编号", "Instrument"),
    "crew_field_signature": Text("签字单据编号", "Number of the signed paper"),
    "crew_room_living": Text("客厅", "living room"),
    "crew_room_bedroom": Text("卧室", "bedroom"),
    "crew_room_other": Text("其他", "other"),
    "crew_sign": Text("用户签名", "Signature of the user"),
    "crew_sign_here": Text("请用户在框内签名", "The user signs in the box"),
    "crew_sign_clear": Text("重签", "Clear"),
    "crew_sign_or": Text("不便签名时，可填写纸质单据的编号。", "Or give the number of a signed paper."),
    "crew_save_measurement": Text("保存测温记录", "File the measurement"),
    # kept on the phone
    "crew_offline": Text(
        "没有网络。可以继续操作，联网后自动发送。", "No network. Go on working; everything is sent when it is back."
    ),
    "crew_waiting": Text("待发送 {n} 项", "{n} waiting to be sent"),
    "crew_outbox": Text("待发送", "Waiting to be sent"),
    "crew_waits": Text("等待发送", "waits for the network"),
    "crew_saved": Text("已保存在手机上。", "Kept on the phone."),
    "crew_refused": Text("未被接受：{why}", "Not taken: {why}"),
    "crew_changed": Text(
        "工单已有变化（现在：{state}），“{move}”未记录。",
        "The ticket has changed meanwhile (now: {state}); “{move}” was not recorded.",
    ),
    "crew_refused_left": Text("{n} 项未被接受，请查看。", "{n} not taken, see below."),
    "crew_needs_network": Text("此操作需要网络。", "This needs a network."),
    "crew_gone": Text(
        "此工单已不属于本站，请联系调度。", "The ticket is no longer your station's. Please tell dispatch."
    ),
    "crew_not_now": Text("服务器未接受（{status}）", "the server did not take it ({status})"),
    "crew_as_note": Text("改为备注发送", "Send it as a note"),
    "crew_note": Text("现场记录（{at}）：{what}", "From the site ({at}): {what}"),
    "crew_discard": Text("放弃", "Discard"),
    "crew_discard_sure": Text("确定放弃？内容将从手机上删除。", "Discard it? It is deleted from the phone."),
    "crew_others_left": Text(
        "手机上有其他人未发送的 {n} 项，由本人登录后发送。",
        "{n} of somebody else are kept on this phone; they are sent when that person signs in.",
    ),
    "crew_sign_out_sure": Text(
        "还有 {n} 项未发送，退出后将丢失。确定退出？", "{n} are not sent yet and would be lost. Sign out all the same?"
    ),
    "crew_signed_out": Text(
        "您已退出登录。请重新登录，待发送的内容不会丢失。", "You are signed out. Sign in again; nothing is lost."
    ),
    "crew_kept_at": Text("保存于 {at}", "as kept on the phone {at}"),
    "crew_again": Text("再次发送", "Send it again"),
    "crew_too_large": Text(
        "照片超过 8 MB，未保存。请调低分辨率后重拍。",
        "The photo is over 8 MB and was not kept: take a smaller one.",
    ),
    "crew_unkept": Text("手机无法保存，请检查存储空间。", "The phone could not keep it: is its storage full?"),
}
# What the script says.
SCRIPT_WORDS = (
    "crew_offline", "crew_waiting", "crew_waits", "crew_saved", "crew_refused", "crew_gone",
    "crew_refused_left", "crew_needs_network",
    "crew_not_now", "crew_as_note", "crew_note", "crew_discard", "crew_discard_sure", "crew_others_left",
    "crew_sign_out_sure", "crew_signed_out", "crew_kept_at", "crew_unkept", "crew_again",
    "crew_too_large",
)  # fmt: skip

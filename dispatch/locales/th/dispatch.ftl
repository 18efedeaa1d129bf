# คำอธิบายลำดับความสำคัญ
term-tier = { $tier ->
    [1] ระดับ 1 ชีวิต
    [2] ระดับ 2 เร่งด่วน
    [3] ระดับ 3 งานบริการ
   *[other] ระดับ 4 ข้อมูล
}
term-tier-raised = ระดับ 1 ชีวิต: น้ำลึกเกิน 1 เมตรที่บ้าน
term-depth = น้ำลึก { $depth_cm } ซม. (เชื่อถือได้ { $sure } %)
term-depth-dry = จุดนี้แห้งในภาพน้ำท่วม
term-depth-unknown = ยังไม่มีภาพน้ำท่วมที่บอกความลึกตรงนี้
term-rise = น้ำขึ้น { $rise_cm } ซม. ต่อชั่วโมง (เชื่อถือได้ { $sure } %)
term-rise-falls = น้ำลด { $fall_cm } ซม. ต่อชั่วโมง
term-rise-still = ระดับน้ำทรงตัว
term-rise-unknown = ไม่มีสถานีวัดใกล้จุดนี้ที่บอกได้ว่าน้ำขึ้นหรือลด
term-vulnerable = บ้านกลุ่มเปราะบางใกล้จุดนี้ { $homes } หลัง
term-people = คนที่เกี่ยวข้อง { $people } คน
term-age = รอมาแล้ว { $minutes } นาที จากเกณฑ์ { $limit } นาที
term-age-hours = รอมาแล้ว { $hours } ชม. จากเกณฑ์ { $limit_hours } ชม.
term-age-first-hours = รอมาแล้ว { $minutes } นาที จากเกณฑ์ { $limit_hours } ชม.

# เหตุผลที่เสนอหรือไม่เสนอทีม
reason-way = ถึงใน { $minutes } นาที ระยะทาง { $km } กม. พ้นน้ำ
reason-last-leg = ถึงใน { $minutes } นาที ระยะทาง { $km } กม. ช่วงสุดท้าย { $leg_m } ม. ต้องเดินลุยหรือใช้เรือ
reason-old-position = ถึงใน { $minutes } นาที ระยะทาง { $km } กม. ตำแหน่งทีมเก่า { $old_min } นาที
reason-old-position-hours = ถึงใน { $minutes } นาที ระยะทาง { $km } กม. ตำแหน่งทีมเก่า { $old_hours } ชม.
reason-off-duty = นอกเวรปฏิบัติงาน
reason-cannot = ไม่มีเครื่องมือหรือทักษะที่งานนี้ต้องใช้
reason-busy = ติดงานระดับ { $tier } อยู่
reason-cut-off = ไปไม่ถึง: ทุกเส้นทางน้ำลึกเกิน { $limit_cm } ซม. ที่รถผ่านได้
reason-cut-off-boat = ไปไม่ถึง: ไม่มีทางน้ำที่ลึกพอ { $limit_cm } ซม. ให้เรือลอย

assigned-meanwhile = มีผู้อื่นมอบหมายงานนี้ให้ { $crew } ไปแล้ว กรุณาดูอีกครั้งก่อนตัดสินใจ
job-under-way = ชุดกำลังเดินทางหรือถึงที่แล้ว หรืองานจบแล้ว จึงเปลี่ยนชุดไม่ได้
crew-assigned = มอบหมายให้ { $crew } แล้ว

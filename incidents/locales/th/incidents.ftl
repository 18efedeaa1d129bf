# บทสนทนาแจ้งเหตุทาง LINE
ask-words = แจ้งเหตุกับเทศบาล: เกิดอะไรขึ้น พิมพ์บอกเราได้เลย
ask-words-of-photo = ได้รับภาพแล้ว เกิดอะไรขึ้น พิมพ์บอกเราสั้นๆ
ask-category = เป็นเรื่องใด เลือกข้อที่ตรงที่สุด
ask-category-unknown = ขอบคุณที่แจ้ง ช่วยเลือกเรื่องให้เราหน่อย
ask-category-all = เลือกเรื่องที่ตรงที่สุด
ask-photo = มีภาพไหม ภาพเดียวช่วยให้ทีมเตรียมของได้ถูก (ข้ามได้)
ask-pin = เหตุเกิดที่ไหน ปักหมุดตำแหน่งให้เรา
ask-confirm = ตรวจสอบก่อนส่ง
    เรื่อง: { $category }
    รายละเอียด: { $text }
    ภาพ: { $photos } ภาพ
    ที่: { $place }
    กดยืนยันเพื่อส่งให้เทศบาล
no-text = (ไม่มีข้อความ)
cancelled = ยกเลิกแล้ว ไม่มีการส่งเรื่อง แจ้งใหม่ได้ทุกเมื่อ
old-button = ปุ่มนี้เป็นของเรื่องก่อนหน้า พิมพ์บอกเหตุใหม่ได้เลย
submitted = รับเรื่องแล้ว เลขที่ { $number }
    { $category } · { $place }
    { $agency } จะดำเนินการภายใน { $promised }
    เราจะแจ้งทุกครั้งที่มีความคืบหน้า พิมพ์ "สถานะ" เพื่อติดตาม
submitted-joined = รับเรื่องแล้ว เลขที่ { $number }
    มีผู้แจ้งเหตุเดียวกันนี้แล้ว { $others } ราย เรารวมเป็นเรื่องเดียวกัน
    { $category } · { $place }
    เราจะแจ้งคุณทุกครั้งที่มีความคืบหน้า
the-city = เทศบาล
help-greeting = สวัสดี นี่คือเทศบาล พิมพ์บอกเหตุได้เลย เช่น "น้ำท่วมหน้าบ้าน" หรือพิมพ์ "สถานะ" เพื่อติดตามเรื่อง
only-these = ส่งข้อความ ภาพ หรือปักหมุดตำแหน่งให้เราได้

# เหตุฉุกเฉิน
emergency-label = ฉุกเฉิน
emergency-title = โทรทันที ถ้ามีคนอยู่ในอันตราย
emergency-numbers = 1669 เจ็บป่วย · 191 เหตุด่วน · 199 ดับเพลิงกู้ภัย
emergency-open = แจ้งทีมกู้ภัยแล้ว เลขที่ { $number } ตามตำแหน่งล่าสุดที่เราทราบ ปักหมุดเพื่อบอกจุดที่แน่นอน
emergency-open-home = แจ้งทีมกู้ภัยแล้ว เลขที่ { $number } ที่บ้านที่คุณลงทะเบียนไว้ ถ้าอยู่ที่อื่น ปักหมุดเดี๋ยวนี้
emergency-where = คุณอยู่ที่ไหน ปักหมุดเดี๋ยวนี้ ทีมกู้ภัยต้องรู้ตำแหน่ง
emergency-more = ส่งให้ทีมกู้ภัยแล้ว ถ้าตำแหน่งไม่ใช่ที่เดิม ปักหมุดให้เรา
emergency-moved = ได้ตำแหน่งใหม่แล้ว เลขที่ { $number } ทีมกู้ภัยเห็นจุดนี้แล้ว
call-1669 = โทร 1669
call-191 = โทร 191
call-199 = โทร 199
help-summary = กดขอความช่วยเหลือจากข้อความเตือนภัย

# ปุ่ม
label-cancel = ยกเลิก
label-confirm = ยืนยัน
label-other = อื่นๆ
label-more = เพิ่มเติม
label-skip = ข้าม
label-camera = ถ่ายภาพ
label-camera-roll = เลือกภาพ
label-pin = ปักหมุดตำแหน่ง
label-home = ที่บ้านของฉัน
label-reopen = ยังไม่เรียบร้อย
label-close = เรียบร้อยแล้ว

# ความคืบหน้า
status-none = คุณยังไม่มีเรื่องที่แจ้งไว้ พิมพ์บอกเหตุได้เลย
status = เลขที่ { $number } · { $category }
    ที่: { $place }
    สถานะ: { $state }
    แจ้งเมื่อ { $opened } · กำหนดเสร็จ { $promised }
state-new = รับเรื่องแล้ว รอมอบหมาย
state-accepted = มอบหมายแล้ว
state-in_progress = กำลังดำเนินการ
state-done = เสร็จแล้ว
state-closed = ปิดเรื่อง
state-rejected = ไม่รับดำเนินการ
state-reopened = เปิดเรื่องอีกครั้ง
told-accepted = เลขที่ { $number } { $category }: มีผู้รับผิดชอบแล้ว
told-in_progress = เลขที่ { $number } { $category }: กำลังดำเนินการ
told-done = เลขที่ { $number } { $category }: เสร็จแล้ว
told-closed = เลขที่ { $number } { $category }: ปิดเรื่องแล้ว ขอบคุณที่แจ้ง
told-rejected = เลขที่ { $number } { $category }: ไม่สามารถดำเนินการได้
told-reopened = เลขที่ { $number } { $category }: เปิดเรื่องอีกครั้ง ทีมจะกลับไปดู
told-reason = { $told }
    { $reason }
told-done-question = { $told }
    เรียบร้อยดีไหม
reason-reporter-not-satisfied = ผู้แจ้งบอกว่ายังไม่เรียบร้อย
reason-reporter-satisfied = ผู้แจ้งยืนยันว่าเรียบร้อย

# วันเวลา
moment = { $day } { $month } { $year } { $time } น.
month-1 = ม.ค.
month-2 = ก.พ.
month-3 = มี.ค.
month-4 = เม.ย.
month-5 = พ.ค.
month-6 = มิ.ย.
month-7 = ก.ค.
month-8 = ส.ค.
month-9 = ก.ย.
month-10 = ต.ค.
month-11 = พ.ย.
month-12 = ธ.ค.

# What residents may know, decide and take back.
consent-warnings =
    The municipality asks to keep the place of your home, to warn you of floods there and to help you in a disaster.
    • Only for warnings and help; it is passed on to nobody.
    • Take it back or delete everything at any time: write "my data" or "delete my data".
consent-needs =
    The municipality asks to keep what help the people in your home need (health data), to rescue and evacuate in a flood.
    • It is encrypted, seen only by officers who must help, and every look is recorded.
    • You need not say anything, and can delete it at any time.
consent-again = We have changed the text about how your data are used. Please read it and choose again.
label-agree = I agree
label-consent-withdraw = Take consent back
me =
    Your data (member { $number })
    • Warnings: { $consent ->
        [yes] you agreed
       *[no] not agreed
    }
    • Homes: { $homes }
    • Identity: { $identity ->
        [yes] checked
       *[no] not checked
    }
    • Groups: { $groups }
me-no-groups = none
label-export = Copy of my data
label-page = Manage my data
label-erase = Delete everything
export-ready = A copy of all your data. The link opens for 15 minutes. Do not pass it on.
export-too-many = There are links that still work. Use one of them, or wait 15 minutes.
label-open-export = Open my data
erase-ask =
    Delete all your data?
    • Homes, needs, name, pictures, messages and this conversation's history go and cannot be brought back.
    • You will get no flood warnings any more.
    • Of what you reported only kind, time and rough area stay. If you still wait for help, we may not find you.
erase-kept = Nothing was deleted. All your data are still here.
label-erase-yes = Delete everything
label-erase-no = Keep it
farewell = All your data are deleted. Receipt { $receipt }. If you write again, we begin anew without knowing you.
farewell-by-officer = All your data are deleted, as you asked an officer. If you write again, we begin anew without knowing you.
identity-checked = Your identity is checked. Thank you.
group-joined = You now belong to the group "{ $group }".
code-wrong = This code does not work: it may be mistyped, used already, or expired.
code-for-leaders = This code is for the leaders' group on LINE. Type it there.
code-too-many = Too many wrong codes. Please wait an hour and try again.

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class Webhooks {
    /** headers: with lower-case names. rawBody: the bytes as they came. */
    public static boolean verify(Map<String, String> headers, byte[] rawBody, String secret)
            throws GeneralSecurityException {
        String given = headers.get("x-lok-signature");
        if (given == null) {
            return false;
        }
        byte[] key = secret.getBytes(StandardCharsets.UTF_8);
        if (key.length == 0) {
            return false;
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        mac.update(rawBody);
        String expected = HexFormat.of().formatHex(mac.doFinal());
        byte[] wanted = expected.getBytes(StandardCharsets.UTF_8);
        return MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8), wanted);
    }
}
